"""Splits a job's script into its directives and the lines before the launch, each with its origins."""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

import msgspec

from hpcgen import schedulers
from hpcgen.base.paths import Rooms
from hpcgen.model.job import Job, Origin
from hpcgen.script import explain
from hpcgen.script.explain import ExplainedLine

# Directives for output files. Only LSF scripts always have one, because bsub would otherwise send the output by mail.
LOGS = re.compile(r"(--output=|--error=|-[oe]o? ).*")
# Directives with an amount of memory, in every spelling: --mem-per-cpu=, select=1:mem=, h_vmem=, rusage[mem=], -M.
MEMORY = re.compile(r"mem[\w-]*=|^-M ")


class Script(NamedTuple):
    """Directives without their prefix."""

    prefix: str
    directives: Dict[str, Tuple[Origin, ...]]
    prologue: List[ExplainedLine]


def taken_apart(job: Job, rooms: Optional[Rooms] = None) -> Script:
    """The script of a job with one launch, without the launch line: dask-jobqueue writes its own."""
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
