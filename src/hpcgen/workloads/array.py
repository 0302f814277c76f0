"""One array job over a list of commands or over the rows of a table: each index runs its share, one after the other.

The job reads the file itself, when it runs; here it is only counted. Source of the form: sbatch(1), --array; MaxArraySize of
slurm.conf(5) is 1001 where a site has not set it.
"""

from __future__ import annotations

import csv
import re
from math import ceil
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import msgspec

from hpcgen import schedulers
from hpcgen.errors import RequestError, among
from hpcgen.job import Job, Origin, Tasks
from hpcgen.request import Request
from hpcgen.site import Site
from hpcgen.workloads import ROLES, Layout, command, component, memory, refuse_several

REFUSES = ROLES
MAX_ARRAY_SIZE = 1001
# Variables by which a value would change what is run, and bash's own: the job's program refuses such columns, too.
UNFIT = r"(LD_|BASH|PYTHON|PERL|SLURM|SBATCH|HPCGEN).*|ENV|IFS|PATH|HOME|SHELL|SHELLOPTS|PS4|UID|EUID|PPID|_"


def lay_out(request: Request) -> Layout:
    refuse_several(request, "each job of the array is one task: leave it out")
    if (request.commands is None) == (request.table is None):
        raise RequestError("--workload array: give --commands FILE, or --table FILE and a program: one of the two")
    if request.array:
        raise RequestError("--array: the file says how many: --throttle limits how many run at a time, --chunk gives each more")
    if request.commands and request.program is not None:
        raise RequestError(f"program: the commands are those of {request.commands}: leave it out, or give --table")
    if request.commands and request.image:
        raise RequestError("--image: a list's commands start what they need: write `apptainer exec IMAGE …` into them")
    if request.table and request.program is None:
        raise RequestError(f"program: what runs for each row of {request.table}? Name it last")
    fields, assumed = memory(request)
    notes = []
    if request.output and "%a" not in request.output and not request.output.endswith("/"):
        notes.append(f"all jobs of the array write to {request.output}: %a in its name is the index")
    part = component(request, "task", 1, request.cpus_per_task or 1, **fields)
    return Layout([part], [command(request)], assumed, tuple(notes))


def split(site: Site, request: Request, job: Job) -> Tuple[Job, List[str]]:
    """The job as an array over its tasks, and what to say of it. Raises RequestError."""
    file = str(request.commands or request.table)
    count = int(request.tasks or (_commands(file) if request.commands else _rows(file, request)))
    most, rule, why = _most(site, _roomiest(site, request, job.time))
    chunk = int(request.chunk or ceil(count / most))
    indices = ceil(count / chunk)
    if indices > most:
        raise RequestError(f"--chunk {chunk}: makes {indices} jobs, and {why}: ask for --chunk {ceil(count / most)}")
    none = site.scheduler.arrays is False or "array" in schedulers.get(site.scheduler.type).lacks
    if indices > 1 and none:
        advice = site.scheduler.arrays_advice or f"--chunk {count} runs all in one job"
        raise RequestError(f"--workload array: {site.id} takes no arrays: {advice}")
    jobs = f"indices 1-{indices}" if indices > 1 else "one job"
    notes = [f"{count} {'command' if request.commands else 'row'}{'s' * (count != 1)} in {file}: {jobs}"]
    notes[0] += f", {chunk} each, one after the other" if chunk > 1 else ""
    if chunk > 1 and not request.chunk:
        notes[0] += f", for {why}"
    elif site.scheduler.type == "slurm" and why == "" and indices >= MAX_ARRAY_SIZE:
        notes.append(f"Slurm takes indices below {MAX_ARRAY_SIZE} where a site has not set MaxArraySize: --chunk makes fewer")
    throttle = f"%{request.throttle}" if request.throttle and request.throttle < indices else ""
    found = {
        "file": Origin("flag", "--commands" if request.commands else "--table"),
        "count": Origin("flag", "--tasks") if request.tasks else Origin("rule", f"counted in {file}"),
        "chunk": Origin("flag", "--chunk") if request.chunk else rule,
    }
    tasks = Tasks(kind="commands" if request.commands else "table", file=file, count=count, chunk=chunk, origins=found)
    array = f"1-{indices}{throttle}" if indices > 1 else None
    return msgspec.structs.replace(job, array=array, tasks=tasks), notes


def _roomiest(site: Site, request: Request, time: Optional[int]) -> Optional[str]:
    """The partition asked for, else that which takes the longest arrays of those that take such jobs unasked: None where
    one of them has no limit, or where the scheduler chooses."""
    if request.partition or site.scheduler.routes:
        return request.partition
    fitting = [
        (partition.array_jobs or 0, name)
        for name, partition in site.partitions.items()
        if partition.auto and (partition.min_nodes or 1) == 1 and (partition.max_time or time or 0) >= (time or 0)
    ]
    return max(fitting)[1] if fitting and all(limit for limit, _ in fitting) else None


def _most(site: Site, partition: Optional[str]) -> Tuple[int, Origin, str]:
    """Jobs that an array may have, counted from 1, and whose rule that is; in words, too, where it is anybody's."""
    if site.scheduler.type == "local":
        why = "no scheduler is here to start an array"
        return 1, Origin("rule", why), why
    queue = site.partitions.get(partition or "")
    found = [
        (limit, takes.format(limit), site.cite(*place))
        for limit, takes, place in (
            ((site.scheduler.array_max or 0) - 1, f"{site.id} takes indices up to {{}}", ("scheduler", "array_max")),
            (site.scheduler.array_jobs, f"{site.id} takes arrays of {{}} jobs at most", ("scheduler", "array_jobs")),
            (
                queue and queue.array_jobs,
                f"{partition} takes arrays of {{}} jobs at most",
                ("partitions", str(partition), "array_jobs"),
            ),
        )
        if limit and limit > 0
    ]
    if not found:
        return 10**9, Origin("rule", "one task for each index"), ""
    most, takes, origin = min(found, key=lambda one: one[0])
    return most, origin, f"{takes} ({origin.source}, {origin.date})"


def _commands(file: str) -> int:
    """Lines that are neither empty nor comments."""
    return _some([line for line in _text(file).split("\n") if not re.match(r"[ \t\r]*(#|$)", line)], file, "no command")


def _rows(file: str, request: Request) -> int:
    """Rows below the header that are not empty. Raises RequestError for columns that cannot be variables."""
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
    for word in request.args:
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
