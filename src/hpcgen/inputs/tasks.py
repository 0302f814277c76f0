"""How many tasks a list of commands or a table of parameters has.

The job reads the file itself, when it runs; here it is only counted, so that planning reads no files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Sequence

import msgspec

from hpcgen.base.errors import RequestError, among
from hpcgen.model.job import Origin
from hpcgen.request.layers import Merged

# Variables by which a value would change what is run, and bash's own: the job's program refuses such columns, too.
UNFIT = r"(LD_|BASH|PYTHON|PERL|SLURM|SBATCH|HPCGEN).*|ENV|IFS|PATH|HOME|SHELL|SHELLOPTS|PS4|UID|EUID|PPID|_"


def counted(asked: Merged) -> Merged:
    """The request with the number of its tasks, where it names one file of them and not their number.

    Raises RequestError for a file that cannot be read, that has no task, or whose columns cannot be variables.
    """
    request, origins = asked
    if request.workload != "array" or request.tasks or (request.commands is None) == (request.table is None):
        return asked
    file = str(request.commands or request.table)
    count = _commands(file) if request.commands else _rows(file, request.args)
    why = Origin("rule", f"counted in {file}")
    return Merged(msgspec.structs.replace(request, tasks=count), {**origins, "tasks": why})


def _commands(file: str) -> int:
    """Lines that are neither empty nor comments."""
    return _some([line for line in _text(file).split("\n") if not re.match(r"[ \t\r]*(#|$)", line)], file, "no command")


def _rows(file: str, args: Sequence[str]) -> int:
    """Rows below the header that are not empty. Raises RequestError for columns that cannot be variables."""
    import csv

    lines = _text(file).lstrip("\ufeff").splitlines(keepends=True)
    header = lines[0] if lines else ""
    rows = [row for row in csv.reader(lines, delimiter="\t" if "\t" in header else ",") if row]
    names = rows[0] if rows else []
    for name in names:
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or re.fullmatch(UNFIT, name):
            raise RequestError(f"--table {file}: column {name!r} cannot be a variable: name the columns alpha,beta")
    if doubled := [name for name in names if names.count(name) > 1]:
        raise RequestError(f"--table {file}: two columns are named {doubled[0]}: give each a name of its own")
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise RequestError(f"--table {file}: row {number} has {len(row)} values for {len(names)} columns: mend it")
    for word in args:
        if unknown := [name for name in re.findall(r"\{(\w+)\}", word, re.ASCII) if name not in names]:
            raise RequestError(f"program: {{{unknown[0]}}} in {word!r} is no column of {file}{among(unknown[0], names)}")
    return _some(rows[1:], file, "no row below its header")


def _some(found: Sequence[object], file: str, nothing: str) -> int:
    if not found:
        raise RequestError(f"{file}: {nothing}: write one at least")
    return len(found)


def _text(file: str) -> str:
    try:
        with Path(file).expanduser().open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
            return lines.read()
    except OSError as why:
        raise RequestError(f"{file}: {why.strerror}: its tasks cannot be counted here: give their number by --tasks") from None
