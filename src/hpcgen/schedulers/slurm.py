"""Slurm: the neutral model in the options of sbatch. Source: sbatch(1) of 22.05; src/common/slurm_opt.c."""

from __future__ import annotations

import re
import shlex
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, get_args

import msgspec

from hpcgen.base.errors import among
from hpcgen.base.kinds import option
from hpcgen.base.toml import fields
from hpcgen.base.units import clock, size
from hpcgen.model.job import Component, Gpus, Job
from hpcgen.model.layout import task_cpus
from hpcgen.request.fields import GPUS, Request
from hpcgen.schedulers import _common as common
from hpcgen.schedulers import last_line

DIRECTIVE = "#SBATCH"
ACCOUNT_VARIABLE = "SBATCH_ACCOUNT"
# Variables of a surrounding job that would change the submitted job.
INHERITED = ("SLURM_", "SBATCH_", "SRUN_", "SLURMD_", "PMI_", "PMIX_", "PBS_")
ONE_QUEUE = False
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER")
SUBMIT = ("sbatch", "--parsable")
TEST_ONLY = ("sbatch", "--test-only")
OWN_LAUNCHER = "srun"
SIGNALS_STEPS = True  # without B:. Source: sbatch(1), --signal
ALL_MEMORY = HARDWARE_THREADS = True
USUAL_ARRAY_MAX = 1001  # Source: slurm.conf(5), MaxArraySize
# With these srun would bind the MPI's helper on each node, and so all ranks, to one CPU. Run on 22.05.8, with all three MPIs.
HIDDEN_FROM_MPI = ("SLURM_HINT", "SLURM_THREADS_PER_CORE")
# Source: sbatch(1), 24.11.
FOREIGN = frozenset(
    "--acctg-freq --batch --bb --bbf --begin --clusters --cluster-constraint --container-id --contiguous --core-spec "
    "--cores-per-socket --cpu-freq --deadline --delay-boot --extra-node-info --get-user-env --gid --gpu-bind --gpu-freq "
    "--gpus-per-socket --gres-flags --hold --ignore-pbs --input --kill-on-invalid-dep --mcs-label --mem-bind --mincpus "
    "--network --nice --no-kill --nodefile --ntasks-per-gpu --ntasks-per-socket --oom-kill-step --overcommit "
    "--oversubscribe --power --prefer --priority --profile --propagate --reboot --segment --sockets-per-node "
    "--spread-job --stepmgr --switches --thread-spec --tres-bind --tres-per-task --uid --use-min-nodes "
    "--wait-all-nodes --wckey --x11".split()
)


def memory(components: List[Component]) -> List[Component]:
    """One style for all components: --mem carries over to later components, --mem-per-cpu does not, and using both is fatal."""
    if len(components) < 2 or not any(c.mem_mib is not None for c in components):
        return components
    return [
        msgspec.structs.replace(c, mem_mib=c.mem_per_cpu_mib * task_cpus(c), mem_per_cpu_mib=None)
        if c.mem_per_cpu_mib
        else c
        for c in components
    ]


# Events that sbatch accepts. It silently drops a wrong word in a list. Source: runs of 22.05.8.
MAIL = (
    "NONE", "BEGIN", "END", "FAIL", "REQUEUE", "ALL", "INVALID_DEPEND", "STAGE_OUT", "ARRAY_TASKS",
    "TIME_LIMIT", "TIME_LIMIT_90", "TIME_LIMIT_80", "TIME_LIMIT_50",
)  # fmt: skip
SIGNAL = (
    r"([BR]{1,2}:)?((SIG)?(HUP|INT|QUIT|ABRT|KILL|ALRM|TERM|USR1|USR2|URG|CONT|STOP|TSTP|TTIN|TTOU|XCPU)|[1-9]\d?)(@\d{1,4})?"
)
SPREAD = r"(block|cyclic|\*)(:(block|cyclic|fcyclic|\*)){0,2}(,(no)?pack)?|(no)?pack|plane=[1-9]\d*|arbitrary"


def refuse(job: Job) -> List[str]:
    """Options that sbatch refuses, drops or changes, most of them only when the job is submitted."""
    found = [*_of_job(job), *(text for c in job.components for text in _of_component(c))]
    return list(dict.fromkeys(found))


def _of_job(job: Job) -> Iterator[str]:
    for word in (job.mail_type or "NONE").split(","):
        if word.upper() not in MAIL:
            yield f"--mail-type {job.mail_type}: unknown event '{word}'{among(word.upper(), MAIL)}"
    if job.signal and not re.fullmatch(SIGNAL, job.signal, re.IGNORECASE):
        yield f"--signal {job.signal}: not a signal that sbatch accepts: write USR1 or B:USR1@120"
    for directive in job.directives:
        if why := _unreadable(directive) or _twice(directive, job):
            yield f"--directive '{directive}': {why}"
    for name in ("output", "error", "chdir"):
        yield from common.home_fault(job, name, "sbatch")
    for name, value in job.resources:
        yield f"--resource {name}={value}: Slurm has no job-wide resources: use --gres, --licenses or --constraint"
    yield from common.array_fault(job.array)
    if job.hetjob and job.array:
        yield f"--array {job.array}: Slurm has no arrays of heterogeneous jobs: leave out --hetjob, or submit one by one"
    if job.hetjob and any(c.mem_per_gpu_mib for c in job.components):
        yield "--mem-per-gpu: all components of a heterogeneous job must use the same memory option: use --mem-per-cpu"
    words = " ".join(filter(None, (job.name, job.comment, job.output, job.error, job.chdir)))
    if separator(job.scheduler_version) == "packjob" and "packjob" in words:
        # Those versions look for the word anywhere in a line. Source: slurm 19.05, src/sbatch/opt.c.
        yield "--job-name: 'packjob' in a name, comment or path starts another component in this Slurm: choose another"


def _of_component(c: Component) -> Iterator[str]:
    if c.nodes and c.nodes > c.ntasks:  # sbatch would use fewer nodes, with only a warning
        yield common.too_many_nodes(c)
    if c.nodes and c.ntasks_per_node and c.ntasks > (most := c.nodes * c.ntasks_per_node):
        yield common.too_many_tasks(c, most)
    if c.nodes and c.gpus and c.gpus.per == "job" and c.gpus.count < c.nodes:
        yield f"--gpus {c.gpus.count}: each of the {c.nodes} nodes needs at least one: use --nodes {c.gpus.count}"
    if c.mem_per_gpu_mib and not (c.gpus or "gpu" in (c.gres or "")):
        yield common.NO_GPUS
    spread = c.distribution or "block"
    if not re.fullmatch(SPREAD, spread, re.IGNORECASE):
        yield f"--distribution {spread}: sbatch does not accept it: write block, cyclic, block:cyclic or plane=4"
    elif spread.startswith("plane") and (most := int(spread[6:])) * ((c.nodes or 1) - 1) >= c.ntasks:
        yield f"--distribution {spread}: {c.ntasks} tasks ({c.role}) in planes of {most} leave nodes empty: use fewer --nodes"


def _unreadable(directive: str) -> Optional[str]:
    """Why sbatch cannot read this directive as an option."""
    if not re.match(r"--?[A-Za-z]", directive):
        return "this is not an option of sbatch: write it as in '--nice=100'"
    try:
        shlex.split(directive)
    except ValueError:
        return "a quote is not closed: close it"
    return None


def _twice(directive: str, job: Job) -> Optional[str]:
    """Why a directive would change an option of the script: of two, sbatch silently takes the later one."""
    short = {one: field.name for field in fields(Request) for one in get_args(field.type)[1].extra["flags"]}
    for word in shlex.split(directive):
        name = short.get(word[:2]) or word.partition("=")[0][2:].replace("-", "_")
        if word.startswith("-") and name in _written(job):
            return f"the script has {option(name)} already: use that option of hpcgen"
    return None


def _written(job: Job) -> Set[str]:
    """The options that the script has, and those that exclude one of them."""
    found = {"job_name", "partition"}
    for part in (job, *job.components):
        found.update(name for name in part.__struct_fields__ if getattr(part, name) is not None)
    if any(name.startswith("mem_") for name in found):
        found.update(("mem", "mem_per_cpu", "mem_per_gpu"))
    return found | set(GPUS) if "gpus" in found else found


def variables(export: Optional[str]) -> Dict[str, str]:
    """NONE, or names without ALL, also apply to srun: its tasks would not see what the script sets. Source: runs of 22.05.8."""
    return {"SLURM_EXPORT_ENV": "ALL"} if export and "ALL" not in export.split(",") else {}


def job_id(answer: str) -> str:
    """Source: sbatch(1), --parsable: ``id`` or ``id;cluster``."""
    return last_line(answer).partition(";")[0]


def quoted(text: Optional[str]) -> Optional[str]:
    """A value as sbatch reads it from a directive line: in quotes if it contains spaces, # or quotes."""
    if text is None or re.fullmatch(r"[^\s#'\"\\]+", text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def separator(version: Optional[str]) -> str:
    """The word between components. Source: the release notes of Slurm 20.02, which renamed packjob."""
    return "packjob" if version and version < "20.02" else "hetjob"


def _gpus(gpus: Optional[Gpus], per: str) -> Optional[str]:
    if gpus is None or gpus.per != per or gpus.style == "gres":
        return None
    return f"{gpus.type}:{gpus.count}" if gpus.type else str(gpus.count)


FILTERS: Dict[str, Callable[..., Any]] = {
    "clock": common.given(clock),
    "size": common.given(size),
    "quoted": quoted,
    "separator": separator,
    "requeue": common.given(lambda on: "--requeue" if on else "--no-requeue"),
    "exclusive": lambda on: "--exclusive" if on else None,
    "gpus": lambda gpus: _gpus(gpus, "job"),
    "gpus_per_node": lambda gpus: _gpus(gpus, "node"),
    "gpus_per_task": lambda gpus: _gpus(gpus, "task"),
}
