"""Slurm: how sbatch spells what the neutral model says. Source: sbatch(1) of 22.05; src/common/slurm_opt.c."""

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
# Variables by which a surrounding job would change the one that is submitted.
INHERITED = ("SLURM_", "SBATCH_", "SRUN_", "SLURMD_", "PMI_", "PMIX_", "PBS_")
ONE_QUEUE = False
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER")
SUBMIT = ("sbatch", "--parsable")
TEST_ONLY = ("sbatch", "--test-only")
OWN_LAUNCHER = "srun"
ALL_MEMORY = HARDWARE_THREADS = True
USUAL_ARRAY_MAX = 1001  # Source: slurm.conf(5), MaxArraySize
# By these srun would bind the MPI's helper on each node to one CPU, and with it all ranks. Run on 22.05.8, with all three MPIs.
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
    """One style for all: --mem is carried over to later components, --mem-per-cpu is not, and both together are fatal."""
    if len(components) < 2 or not any(c.mem_mib is not None for c in components):
        return components
    return [
        msgspec.structs.replace(c, mem_mib=c.mem_per_cpu_mib * task_cpus(c), mem_per_cpu_mib=None)
        if c.mem_per_cpu_mib
        else c
        for c in components
    ]


# What sbatch takes; a wrong word in a list of events it drops, and says nothing. Source: runs of 22.05.8.
MAIL = (
    "NONE", "BEGIN", "END", "FAIL", "REQUEUE", "ALL", "INVALID_DEPEND", "STAGE_OUT", "ARRAY_TASKS",
    "TIME_LIMIT", "TIME_LIMIT_90", "TIME_LIMIT_80", "TIME_LIMIT_50",
)  # fmt: skip
SIGNAL = (
    r"([BR]{1,2}:)?((SIG)?(HUP|INT|QUIT|ABRT|KILL|ALRM|TERM|USR1|USR2|URG|CONT|STOP|TSTP|TTIN|TTOU|XCPU)|[1-9]\d?)(@\d{1,4})?"
)
SPREAD = r"(block|cyclic|\*)(:(block|cyclic|fcyclic|\*)){0,2}(,(no)?pack)?|(no)?pack|plane=[1-9]\d*|arbitrary"


def refuse(job: Job) -> List[str]:
    """What sbatch refuses, drops or changes, most of it only when the job is submitted."""
    found = [*_of_job(job), *(text for c in job.components for text in _of_component(c))]
    return list(dict.fromkeys(found))


def _of_job(job: Job) -> Iterator[str]:
    for word in (job.mail_type or "NONE").split(","):
        if word.upper() not in MAIL:
            yield f"--mail-type: unknown event '{word}'{among(word.upper(), MAIL)}"
    if job.signal and not re.fullmatch(SIGNAL, job.signal, re.IGNORECASE):
        yield f"--signal: '{job.signal}' is not a signal for sbatch: write USR1 or B:USR1@120"
    for directive in job.directives:
        if why := _unreadable(directive) or _twice(directive, job):
            yield f"--directive '{directive}': {why}"
    for name in ("output", "error", "chdir"):
        if (getattr(job, name) or "").startswith("~"):
            yield f"--{name}: sbatch does not expand '~': write the path out"
    for name, value in job.resources:
        yield f"--resource {name}={value}: Slurm has none of its own for a job: ask by --gres, --licenses or --constraint"
    yield from common.array_fault(job.array)
    if job.hetjob and job.array:
        yield "--array: Slurm has no arrays of heterogeneous jobs: leave out --hetjob, or submit one by one"
    if job.hetjob and any(c.mem_per_gpu_mib for c in job.components):
        yield "--mem-per-gpu: a heterogeneous job needs one style of memory: use --mem-per-cpu"
    words = " ".join(filter(None, (job.name, job.comment, job.output, job.error, job.chdir)))
    if separator(job.scheduler_version) == "packjob" and "packjob" in words:
        # Those versions look for the word anywhere in a line. Source: slurm 19.05, src/sbatch/opt.c.
        yield "'packjob' in a name or a path would start another component with this Slurm: choose another"


def _of_component(c: Component) -> Iterator[str]:
    if c.nodes and c.nodes > c.ntasks:  # sbatch would take fewer, with no more than a warning
        yield f"--nodes {c.nodes}: {c.ntasks} tasks ({c.role}) fit on no more nodes than {c.ntasks}"
    if c.nodes and c.ntasks_per_node and c.ntasks > (most := c.nodes * c.ntasks_per_node):
        yield f"--ntasks {c.ntasks}: {c.nodes} nodes of {c.ntasks_per_node} tasks ({c.role}) hold {most}: ask for more nodes"
    if c.nodes and c.gpus and c.gpus.per == "job" and c.gpus.count < c.nodes:
        yield f"--gpus {c.gpus.count}: every one of the {c.nodes} nodes needs one: ask for --nodes {c.gpus.count}"
    if c.mem_per_gpu_mib and not (c.gpus or "gpu" in (c.gres or "")):
        yield "--mem-per-gpu: no GPUs were asked for: use --mem or --mem-per-cpu"
    spread = c.distribution or "block"
    if not re.fullmatch(SPREAD, spread, re.IGNORECASE):
        yield f"--distribution: '{spread}' is not one for sbatch: write block, cyclic, block:cyclic or plane=4"
    elif spread.startswith("plane") and (most := int(spread[6:])) * ((c.nodes or 1) - 1) >= c.ntasks:
        yield f"--distribution {spread}: {c.ntasks} tasks ({c.role}) in planes of {most} leave nodes empty"


def _unreadable(directive: str) -> Optional[str]:
    """Why sbatch would not take this directive for an option, or would take it for the start of another component."""
    if not re.match(r"--?[A-Za-z]", directive):
        return "this is none of sbatch's options: write it as in '--nice=100'"
    try:
        shlex.split(directive)
    except ValueError:
        return "a quote is opened and not closed"
    return None


def _twice(directive: str, job: Job) -> Optional[str]:
    """Why a directive would change what the script says already: of two, sbatch takes the later, and says nothing."""
    short = {one: field.name for field in fields(Request) for one in get_args(field.type)[1].extra["flags"]}
    for word in shlex.split(directive):
        name = short.get(word[:2]) or word.partition("=")[0][2:].replace("-", "_")
        if word.startswith("-") and name in _written(job):
            return f"the script has {option(name)} already: ask for it by that option"
    return None


def _written(job: Job) -> Set[str]:
    """The options that the script has, or that would exclude one of them."""
    found = {"job_name", "partition"}
    for part in (job, *job.components):
        found.update(name for name in part.__struct_fields__ if getattr(part, name) is not None)
    if any(name.startswith("mem_") for name in found):
        found.update(("mem", "mem_per_cpu", "mem_per_gpu"))
    return found | set(GPUS) if "gpus" in found else found


def variables(export: Optional[str]) -> Dict[str, str]:
    """NONE, or names without ALL, hold for srun too, whose tasks would miss what the script sets. Source: runs of 22.05.8."""
    return {"SLURM_EXPORT_ENV": "ALL"} if export and "ALL" not in export.split(",") else {}


def job_id(answer: str) -> str:
    """Source: sbatch(1), --parsable: ``id`` or ``id;cluster``."""
    return last_line(answer).partition(";")[0]


def quoted(text: Optional[str]) -> Optional[str]:
    """A value as sbatch's own reading of a directive line takes it: quotes where blanks, # or quotes are in it."""
    if text is None or re.fullmatch(r"[^\s#'\"\\]+", text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def separator(version: Optional[str]) -> str:
    """Source: Slurm 20.02's release notes, which renamed packjob."""
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
