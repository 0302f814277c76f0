"""A job's script taken apart: its directives, and what it does before it launches, each with its origins."""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

import msgspec

from hpcgen import schedulers
from hpcgen.base.paths import Rooms
from hpcgen.model.job import Job, Origin
from hpcgen.script import explain
from hpcgen.script.explain import ExplainedLine

# Directives that say where output goes. Only LSF's scripts say so unasked, for bsub would mail it.
LOGS = re.compile(r"(--output=|--error=|-[oe]o? ).*")
# Those that say an amount of memory, in all the words for it: --mem-per-cpu=, select=1:mem=, h_vmem=, rusage[mem=], -M.
MEMORY = re.compile(r"mem[\w-]*=|^-M ")


class Script(NamedTuple):
    """Directives without their prefix."""

    prefix: str
    directives: Dict[str, Tuple[Origin, ...]]
    prologue: List[ExplainedLine]


def taken_apart(job: Job, rooms: Optional[Rooms] = None) -> Script:
    """The job's script without its launch, which is dask-jobqueue's to write."""
    prefix = str(schedulers.get(job.scheduler).directive)
    lines = explain.explain(job, rooms, launch=False)
    mine = [i for i, line in enumerate(lines) if line.text.startswith(f"{prefix} ")]
    return Script(
        prefix,
        {lines[i].text[len(prefix) + 1 :]: _with_origin(lines[i], job).origins for i in mine},
        [_with_origin(line, job) for line in lines[mine[-1] + 1 :] if line.text],
    )


def _with_origin(line: ExplainedLine, job: Job) -> ExplainedLine:
    template = line.template or f"templates/{job.scheduler}.sh"
    return msgspec.structs.replace(line, origins=line.origins or (Origin("rule", f"template {template}"),))
