"""Counts the tasks in a list of commands or in a table of parameters.

The job reads the file when it runs. The tasks are counted here because planning reads no files.
"""

from __future__ import annotations

import re
from typing import List, Sequence

import msgspec

from hpcgen.base.errors import RequestError, among
from hpcgen.inputs.places import STAGED, place
from hpcgen.model.job import Origin
from hpcgen.request.fields import Request
from hpcgen.request.layers import Merged

# Columns must not have the names of variables that change how programs run, or of bash's variables. The job checks this, too.
UNFIT = r"(LD_|BASH|PYTHON|PERL|SLURM|SBATCH|HPCGEN).*|ENV|IFS|PATH|HOME|SHELL|SHELLOPTS|PS4|UID|EUID|PPID|_"


def counted(asked: Merged) -> Merged:
    """Add the number of tasks to a request that names a file of tasks without their number.

    Raises RequestError if the file cannot be read or has no tasks, or if a column cannot become a variable.
    """
    request, origins = asked
    if request.workload != "array" or request.tasks or (request.commands is None) == (request.table is None):
        return asked
    file = str(request.commands or request.table)
    count = _commands(request, file) if request.commands else _rows(request, file)
    why = Origin("rule", f"counted in {file}")
    return Merged(msgspec.structs.replace(request, tasks=count), {**origins, "tasks": why})


def _commands(request: Request, file: str) -> int:
    """Count the lines that are neither empty nor comments."""
    lines = _text(request, "--commands", file).split("\n")
    return _some([line for line in lines if not re.match(r"[ \t\r]*(#|$)", line)], file, "no command")


def _rows(request: Request, file: str) -> int:
    """Count the rows below the header that are not empty. Raises RequestError if a column cannot become a variable."""
    rows = _read(file, _text(request, "--table", file).removeprefix("\ufeff"))
    names = rows[0] if rows else []
    for name in names:
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or re.fullmatch(UNFIT, name):
            raise RequestError(f"--table {file}: column {name!r} cannot be a variable: use a name such as alpha")
    if doubled := [name for name in names if names.count(name) > 1]:
        raise RequestError(f"--table {file}: two columns are named {doubled[0]}: rename one of them")
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise RequestError(f"--table {file}: row {number} has {len(row)} values for {len(names)} columns: correct the row")
    for word in request.args:
        if unknown := [name for name in re.findall(r"\{(\w+)\}", word, re.ASCII) if name not in names]:
            raise RequestError(f"program: {word!r}: {file} has no column '{unknown[0]}'{among(unknown[0], names)}")
    return _some(rows[1:], file, "no row below its header")


def _read(file: str, text: str) -> List[List[str]]:
    """Read the rows that are not empty, as the job reads them. Raises RequestError for text that the job could not use."""
    import csv
    import io

    if "\0" in text:
        line = text.partition("\0")[0].count("\n") + 1
        raise RequestError(f"--table {file}: line {line} contains a NUL byte, which no variable can hold: remove it")
    lines = io.StringIO(text, newline="")
    header = lines.readline()
    lines.seek(0)
    reader = csv.reader(lines, delimiter="\t" if "\t" in header else ",")
    try:
        return [row for row in reader if row]
    except csv.Error:
        most = f"a value up to line {reader.line_num} is longer than {csv.field_size_limit()} characters"
        raise RequestError(f"--table {file}: {most}: shorten it, or close its quotes") from None


def _some(found: Sequence[object], file: str, nothing: str) -> int:
    if not found:
        raise RequestError(f"{file}: {nothing}: write at least one")
    return len(found)


def _text(request: Request, given: str, file: str) -> str:
    where = place(request, file)
    if where is None:
        raise RequestError(f"{given} {file}: the file is in an archive: give the number of its tasks with --tasks")
    try:
        with open(where, encoding="utf-8", errors="surrogateescape", newline="") as lines:
            return lines.read()
    except OSError as why:
        relative = not file.startswith(("/", "~/", STAGED))
        inside = f" in the folder {request.chdir} (--chdir)" if request.chdir and relative else ""
        raise RequestError(f"{given} {file}: {why.strerror}{inside}: give the number of its tasks with --tasks") from None
