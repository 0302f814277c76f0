"""Flux: the neutral model in the options of flux batch. Source: flux-batch(1) of flux-core 0.60 and newer, RFC 35 and 36."""

# Not `from __future__ import annotations`: the types of the dialect are read at run time.
import re
import shlex
from typing import Any, Dict, Iterator, List, Literal, Optional, Tuple

import msgspec

from hpcgen.base.kinds import Token
from hpcgen.base.toml import Table
from hpcgen.model import forms, layout
from hpcgen.model.job import Component, Job
from hpcgen.model.spelled import Spelled, SpelledOrigins, of_components, of_job
from hpcgen.schedulers import _common as common
from hpcgen.schedulers._common import read

DIRECTIVE = "# flux:"
INHERITED = ("FLUX_JOB_", "FLUX_TASK_", "PMI_", "PMIX_", "PALS_", "OMPI_", "SLURM_", "SBATCH_", "PBS_")
SILENT = ("mem", "mem_per_cpu", "mem_per_gpu", "scheduler_mem")
WHY_SILENT = "no effect, because Flux does not limit the memory of jobs: use --exclusive if the job needs much memory"
SUBMIT = ("flux", "batch")
TEST_ONLY = ("flux", "batch", "--dry-run")


class Flux(Table, frozen=True, kw_only=True):
    """Flux. Source of the defaults: flux-batch(1) of flux-core 0.60."""

    account: Literal["--bank=", "--setattr=bank="] = "--bank="
    """The option that names the bank."""
    attributes: Dict[Token, Token] = {}
    """Attributes of every job: `--setattr=NAME=VALUE`."""


DIALECT = Flux


def hetjob(dialect: Any) -> Optional[str]:
    return "Flux starts one program on equal slots (flux-core issue 2414 asks for more)"


def memory(components: List[Component]) -> List[Component]:
    """The components without memory: Flux does not limit the memory of jobs."""
    none = dict.fromkeys(("mem_mib", "mem_per_cpu_mib", "mem_per_gpu_mib"))
    return [msgspec.structs.replace(c, **none) for c in components]


LACKS = {
    "array": "submit in a loop, or start the programs of one job with flux submit --cc",
    "qos": "choose with --partition (a queue)",
    "reservation": "leave it out",
    "requeue": "leave it out",
    "mail_type": "leave it out",
    "mail_user": "leave it out",
    "open_mode": "put the job's id (%j) into the file names",
    **common.CORES,
    "distribution": "use --nodes, or leave it out",
    "licenses": "leave it out",
    "gres": "use --gpus or --constraint",
    "tmp_mib": "leave it out",
}
FILES = {"j": "{{id}}", "A": "{{id}}", "x": "{{name}}", "N": "{{node.name}}"}


def refuse(job: Job) -> List[str]:
    (c,) = job.components
    (step,) = job.steps
    words = [word for command in step.commands for word in (command.file or "", *command.args)]
    if step.launcher == "flux" and any("{{" in word for word in words):
        return ["program: flux run replaces '{{…}}' in arguments (flux-run(1)): put such arguments into a file"]
    return list(dict.fromkeys([*_of_job(job), *_of_component(c)]))


def _of_job(job: Job) -> Iterator[str]:
    yield from common.cannot(job, "Flux", LACKS)
    yield from common.name_fault(job, "Flux", r"(?a:[\w.+-]+)", "letters, digits and _.+-", 100)
    yield from common.dependency_fault(job.dependency)
    yield from common.file_faults(job, "Flux", FILES, "use only these, or leave it out")
    yield from common.home_fault(job, "chdir", "Flux")
    for name, value in job.resources:
        yield f"--resource {name}={value}: Flux has no job-wide resources: use --directive '--setattr={name}={value}'"
    if job.signal and not re.fullmatch(r"(SIG)?[A-Z][A-Z0-9]*@\d{1,5}", job.signal):
        yield f"--signal {job.signal}: Flux signals the whole job: write USR1@120"
    written = [line.split("=")[0] for line in ("--job-name", "--time-limit", "--nslots", "--cores-per-slot", "--output")]
    for directive in job.directives:
        if not directive.startswith("-") or directive.split("=")[0] in written:
            yield f"--directive '{directive}': not an option of flux batch, or the script has it already: leave it out"


def _of_component(c: Component) -> Iterator[str]:
    yield from (text for text in common.layout_faults(c) if not text.startswith("--mem"))
    if c.gpus and layout.all_gpus(c) % c.ntasks:
        yield f"--gpus: Flux counts GPUs by task, and {c.ntasks} tasks do not divide them: use --gpus-per-task"
    if c.gpus and c.gpus.type:
        yield f"--gpus {c.gpus.type}: Flux has no GPU types: leave the type out, and choose with --constraint or --partition"
    yield from common.nodelist_fault(c, "Flux")
    if c.exclusive and not c.nodes:
        yield "--exclusive: Flux gives whole nodes only to jobs that ask for a number of nodes: give --nodes"


# --- values for the template


def spelled(job: Job) -> Spelled:
    says = read(Flux, job.dialect)
    return Spelled({**_whole(job, says), **_part(job.components[0])}, _origins(job))


def _whole(job: Job, says: Flux) -> Dict[str, Any]:
    """Values for the whole job."""
    parts = forms.dependencies(job.dependency) if job.dependency else None
    return {
        "account": f"{says.account}{job.account}" if job.account else None,
        "time": None if job.time is None else f"{job.time // 60}m" if job.time % 60 == 0 else f"{job.time}s",
        "output": job.output and _quoted(forms.pattern(job.output, FILES)),
        "error": job.error and _quoted(forms.pattern(job.error, FILES)),
        "dependencies": tuple(f"{part.kind}:{job_id}" for part in parts or () for job_id in part.jobs),
        "signal": f"{job.signal}s" if job.signal else None,
        "environment": _environment(job.export),
        "attributes": tuple(f"{name}={value}" for name, value in says.attributes.items()),
        "comment": _quoted(f"user.comment={job.comment}") if job.comment else None,
        "chdir": _quoted(job.chdir),
    }


def _part(c: Component) -> Dict[str, Any]:
    """What is allocated."""
    requires = [c.constraint] if c.constraint else []
    requires += [f"host:{c.nodelist}"] if c.nodelist else []
    requires += [f"-host:{c.exclude}"] if c.exclude else []
    return {
        "queue": c.partition,
        "nodes": c.nodes or (len(layout.tasks_by_node(c) or ()) if c.ntasks_per_node else None),
        "slots": c.ntasks,
        "cores": c.cpus_per_task,
        "gpus": layout.all_gpus(c) // c.ntasks or None,
        "exclusive": "--exclusive" if c.exclusive or c.whole_node_cpus else None,
        "requires": shlex.quote(" and ".join(requires)) if requires else None,
    }


# The fields of the components, and of the job, behind each value.
OF_PARTS = {
    "queue": ("partition",), "nodes": ("nodes", "ntasks_per_node", "whole_node_cpus"), "slots": ("ntasks",),
    "cores": ("cpus_per_task",),
    "gpus": ("gpus",), "exclusive": ("exclusive", "whole_node_cpus"), "requires": ("constraint", "nodelist", "exclude"),
}  # fmt: skip
OF_JOB = {
    "account": "account", "time": "time", "output": "output", "error": "error", "dependencies": "dependency",
    "signal": "signal", "environment": "export", "attributes": "dialect.attributes", "comment": "comment", "chdir": "chdir",
}  # fmt: skip


def _origins(job: Job) -> SpelledOrigins:
    of_parts = {name: of_components(job, *fields) for name, fields in OF_PARTS.items()}
    return {**of_parts, **{name: of_job(job, key) for name, key in OF_JOB.items()}}


def _quoted(text: Optional[str]) -> Optional[str]:
    """Directives are read with shell quoting, and # starts a comment. Source: RFC 36."""
    return None if text is None else text if re.fullmatch(r"[\w./{}=:@%+,-]+", text) else shlex.quote(text)


def _environment(export: Optional[str]) -> Tuple[str, ...]:
    """Rules for --env: ``-*`` removes all variables. Without a rule, all variables are passed on."""
    if export is None:
        return ()
    everything, names = forms.exported(export)
    return (*(() if everything else ("-*",)), *names)
