"""Grid Engine: the neutral model in the options of qsub. Sources: qsub(1), sge_types(5), queue_conf(5) of 8.1.9."""

# Not `from __future__ import annotations`: the types of the dialect are read at run time.
import re
from math import ceil
from typing import Any, Callable, Dict, Iterator, List, Literal, Optional, Tuple

from hpcgen.base.kinds import Token
from hpcgen.base.toml import Table
from hpcgen.base.units import hms, size
from hpcgen.model import forms, layout
from hpcgen.model.job import Component, Job
from hpcgen.model.spelled import Spelled, SpelledOrigins, of_components, of_job
from hpcgen.schedulers import _common as common
from hpcgen.schedulers import last_line
from hpcgen.schedulers._common import read

DIRECTIVE = "#$"
INHERITED = (
    "SGE_TASK_", "SGE_O_", "SGE_JOB_", "JOB_ID", "JOB_NAME", "JOB_SCRIPT", "PE_HOSTFILE", "NSLOTS", "NHOSTS", "NQUEUES",
    "PMI_", "PMIX_", "OMPI_", "SLURM_", "PBS_",
)  # fmt: skip
SUBMIT = ("qsub", "-terse")
TEST_ONLY = ("qsub", "-w", "v")


class Sge(Table, frozen=True, kw_only=True):
    """Grid Engine. Sources of the defaults: qsub(1), complex(5) of 8.1.9."""

    style: Literal["slots", "node-types"] = "slots"
    """What a job requests: slots, or nodes of a type (`-l node_f=2`). The types are then the profile's partitions."""
    account: Literal["-P", "-A", "-g"] = "-P"
    """The option that names the account."""
    shell: Literal["-S", "shebang"] = "-S"
    """Whether scripts need `-S`, because queues ignore the first line's shell."""
    memory: Optional[Token] = None
    """The resource that limits memory. Without it scripts request none."""
    memory_per: Literal["slot", "node"] = "slot"
    """What the amount of memory is for."""
    pe_one: Optional[Token] = None
    """The parallel environment of one node."""
    pe_many: Optional[Token] = None
    """The parallel environment of several nodes."""
    gpu: Optional[Token] = None
    """The resource for GPUs."""
    gpu_per: Literal["slot", "node", "job"] = "job"
    """What the number of GPUs is for."""
    disk: Optional[Token] = None
    """The resource for local disk."""
    disk_per: Literal["slot", "node", "job"] = "job"
    """What the amount of local disk is for."""
    resources: Dict[Token, Token] = {}
    """Resources that every job requests."""
    required: Tuple[Token, ...] = ()
    """The names of resources that users must request with `--resource`."""
    exclusive: Optional[Token] = None
    """The resource that reserves whole nodes if it is true."""
    constraint: Optional[Literal["-l ", "-ac allow="]] = None
    """The option that chooses types of node."""


DIALECT = Sge


def array_index(dialect: Any) -> str:
    return "SGE_TASK_ID"


def hetjob(dialect: Any) -> Optional[str]:
    return "Grid Engine has no heterogeneous jobs, because all slots of a job are equal"


def node_types(dialect: Any) -> bool:
    """Whether jobs ask for a number of nodes of a type; the types are the profile's partitions."""
    return read(Sge, dialect).style == "node-types"


nodes_only = node_types


def together(dialect: Any, c: Component, wide: bool) -> bool:
    """A parallel environment spreads slots over nodes. Slots are CPUs, so an MPI would not find a task's CPUs on one node."""
    return wide and read(Sge, dialect).style == "slots"


def job_number(job: Job) -> str:
    return "$JOB_ID" + ("-$SGE_TASK_ID" if job.array else "")


def tells_ranks(dialect: Any) -> bool:
    """$PE_HOSTFILE counts slots, that is, CPUs."""
    return False


def on_command_line(job: Job) -> Tuple[str, ...]:
    """Options that qsub takes only on the command line: TSUBAME's group."""
    return ("-g", job.account) if read(Sge, job.dialect).account == "-g" and job.account else ()


LACKS = {
    "qos": "choose with --partition (a queue) or --resource",
    "comment": "use --directive '-ac comment=…'",
    **common.CORES,
    "distribution": "the parallel environment places the slots: leave it out",
    "licenses": "licences are resources named by the site: use --resource NAME=NUMBER",
    "gres": "resources are named by the site: use --resource NAME=VALUE",
}
FILES = {"j": "$JOB_ID", "A": "$JOB_ID", "x": "$JOB_NAME", "a": "$TASK_ID", "u": "$USER", "N": "$HOSTNAME"}


def refuse(job: Job) -> List[str]:
    says = read(Sge, job.dialect)
    (c,) = job.components
    return list(dict.fromkeys([*_of_job(job, says), *_of_component(c, says), *_of_slots(c, says, job.steps[0].launcher)]))


def _of_job(job: Job, says: Sge) -> Iterator[str]:
    yield from common.cannot(job, "Grid Engine", LACKS)
    yield from common.name_fault(job, "Grid Engine", r"(?a:[A-Za-z_][\w.+-]*)", "a letter, then letters, digits and _.+-", 512)
    if job.name.upper() in ("NONE", "ALL", "TEMPLATE"):
        yield f"--job-name {job.name}: Grid Engine reserves this word: choose another"
    yield from common.mail_fault(job.mail_type, "Grid Engine")
    yield from common.file_faults(job, "Grid Engine", FILES, "use only these, or leave it out")
    yield from common.chdir_fault(job, "Grid Engine")
    yield from common.twice(job, "qsub", _written(job, says))
    if job.open_mode == "truncate":
        yield "--open-mode truncate: Grid Engine appends to existing files: put the job's id (%j) into the file names"
    parts = forms.dependencies(job.dependency) if job.dependency else []
    if parts is None or any(part.kind != "afterany" for part in parts):
        yield f"--dependency {job.dependency}: Grid Engine waits for jobs to end, with or without an error: write afterany:ID"
    if job.reservation and not job.reservation.isdecimal():
        yield f"--reservation {job.reservation}: Grid Engine's reservations have numbers: qrstat lists them"
    if job.signal and _warned(job) is None:
        yield f"--signal {job.signal}: Grid Engine sends only USR1 before the limit: write USR1@SECONDS, less than --time"
    yield from common.array_fault(job.array)
    ranges = forms.array(job.array).ranges if job.array else []
    if len(ranges) > 1:
        yield f"--array {job.array}: Grid Engine takes only one range: submit each range by itself, or write 1-10 or 1-10:2"
    elif ranges and ranges[0].first < 1:
        yield f"--array {job.array}: Grid Engine counts from 1: write 1-{ranges[0].last + 1}"
    yield from common.resource_faults(job, says.required, ("h_rt", "s_rt", says.memory, says.gpu, says.disk))


def _of_component(c: Component, says: Sge) -> Iterator[str]:
    yield from common.layout_faults(c)
    if says.style == "slots" and (c.nodes or 1) > 1 and not c.whole_node_cpus:
        yield f"--nodes {c.nodes}: a parallel environment takes a number of slots and places them itself: leave it out"
    elif says.style == "slots" and c.ntasks_per_node and c.ntasks_per_node < c.ntasks and not c.whole_node_cpus:
        yield "--ntasks-per-node: a parallel environment takes a number of slots and places them itself: leave it out"
    if c.exclusive and not says.exclusive:
        yield "--exclusive: the profile names no resource for whole nodes: ask for all CPUs of a node"
    if c.constraint and not says.constraint:
        yield "--constraint: the profile names no option for kinds of nodes: use --resource NAME=VALUE, if the site has one"
    if c.gpus and c.gpus.type:
        yield f"--gpus {c.gpus.type}: Grid Engine has no GPU types: leave the type out, and choose with --constraint"
    if c.gpus and says.style == "slots" and not says.gpu:
        yield "--gpus: the profile names no resource for GPUs: use --resource NAME=NUMBER, if the site has one"
    if c.tmp_mib and not says.disk:
        yield "--tmp: the profile names no resource for local disk: leave it out"
    if c.mem_mib == 0:
        yield "--mem 0: Grid Engine cannot request all memory of a node: give an amount"
    if c.nodelist and (c.ntasks > 1 or "," in c.nodelist):
        yield "--nodelist: Grid Engine takes this as a list of hosts to choose from: use it for one host and one task only"


def _of_slots(c: Component, says: Sge, launcher: str) -> Iterator[str]:
    """What a number of slots cannot express."""
    slots, one_node = layout.all_cpus(c), len(layout.tasks_by_node(c) or ()) == 1
    if says.style == "node-types":
        if c.partition is None:
            yield "--partition: jobs at this site ask for a type of node: give --partition NAME"
        return
    if slots > 1 and not _pe(c, says):
        what = "pe_one" if one_node else "pe_many"
        asked = layout.typed(c, "ntasks" if c.ntasks > 1 else "cpus_per_task")
        yield f"{asked}: {slots} slots need a parallel environment, and the profile has no sge.{what}: ask for one CPU"
    if c.cpus_per_task > 1 and launcher in ("mpirun", "mpiexec") and layout.tasks_by_node(c) is None:
        total = layout.task_cpus(c)
        yield (
            f"{layout.typed(c, 'cpus_per_task')}: Grid Engine may spread the slots over nodes, and {launcher} would not find "
            f"{c.cpus_per_task} on one: use --nodes 1 ({total} CPUs), or more tasks of one CPU"
        )
    if launcher == "gerun" and slots != layout.task_cpus(c):
        most = slots // c.cpus_per_task
        nearest = layout.at_most(c, "ntasks", most)
        yield f"{layout.typed(c, 'ntasks')}: gerun starts {most} ranks on the {slots} slots of whole nodes: use {nearest}"
    if c.gpus and says.gpu_per == "slot" and layout.all_gpus(c) % slots:
        yield f"--gpus: the site counts GPUs by slot, and {slots} slots do not divide them: ask for as many CPUs as GPUs"


def job_id(answer: str) -> str:
    """Source: qsub(1), -terse: ``1234`` or ``1234.1-10:1`` of an array."""
    return last_line(answer).partition(".")[0]


# --- values for the template


def spelled(job: Job) -> Spelled:
    says = read(Sge, job.dialect)
    (c,) = job.components
    return Spelled({**_whole(job, says), **_part(c, says)}, _origins(job))


def _whole(job: Job, says: Sge) -> Dict[str, Optional[str]]:
    """Values for the whole job."""
    everything, passed = forms.exported(job.export or "")
    shell, flags = _shell(job.shebang) if says.shell == "-S" else (None, None)
    return {
        "shell": shell,
        "flags": flags,
        "account": f"{says.account} {job.account}" if job.account and says.account != "-g" else None,
        "soft_time": common.given(hms)(_warned(job)),
        "array": job.array and job.array.partition("%")[0],
        "throttle": forms.array(job.array).throttle if job.array else None,
        "join": None if job.error else "y",
        "output": job.output and forms.pattern(job.output, FILES),
        "error": job.error and forms.pattern(job.error, FILES),
        "workdir": None if job.chdir else "-cwd",
        "mail": _mail(job),
        "hold": ",".join(i for part in forms.dependencies(job.dependency or "") or () for i in part.jobs) or None,
        "all_variables": "-V" if everything else None,
        "names": ",".join(passed) or None,
    }


def _part(c: Component, says: Sge) -> Dict[str, Optional[str]]:
    """The resource request: slots with their resources, or a number of nodes of a type."""
    disk = _per(says.disk, says.disk_per, (c.tmp_mib or 0) * len(layout.tasks_by_node(c) or [1]), c, size)
    made = {
        "queue": None, "pe": None, "nodes": None, "memory": None, "gpus": None, "disk": disk,
        "exclusive": f"{says.exclusive}=true" if c.exclusive else None,
        "constraint": f"{says.constraint}{c.constraint}" if c.constraint else None,
        "hosts": _hosts(c),
    }  # fmt: skip
    if says.style == "node-types":
        return {**made, "nodes": f"{c.partition}={c.nodes or 1}"}
    slots = layout.all_cpus(c)
    return {
        **made,
        "queue": c.partition,
        "pe": f"{_pe(c, says)} {slots}" if slots > 1 else None,
        "memory": _per(says.memory, says.memory_per, layout.all_memory(c), c, size),
        "gpus": _per(says.gpu, says.gpu_per, layout.all_gpus(c), c, str),
    }


def _shell(shebang: str) -> Tuple[str, Optional[str]]:
    """The shell for -S, and options for `set`: -S starts a login shell by itself, and drops the options of the first line."""
    shell, _, option = shebang.partition(" ")
    flags = option.strip("-").replace("l", "")
    return shell, f"-{flags}" if flags else None


# The fields of the job behind each value.
OF_JOB = {
    "account": "account", "soft_time": "signal", "array": "array", "throttle": "array", "join": "joined", "output": "output",
    "error": "error", "shell": "shebang", "flags": "shebang", "mail": "mail_type", "hold": "dependency",
    "all_variables": "export", "names": "export",
}  # fmt: skip


def _origins(job: Job) -> SpelledOrigins:
    amounts = of_components(job, "ntasks", "cpus_per_task", "nodes", "whole_node_cpus")
    return {
        "pe": (*amounts, *of_job(job, "dialect.pe_many")),
        "nodes": (*amounts, *of_components(job, "partition")),
        "memory": (*of_components(job, "mem_mib", "mem_per_cpu_mib", "mem_per_gpu_mib"), *of_job(job, "dialect.memory")),
        "gpus": (*of_components(job, "gpus"), *of_job(job, "dialect.gpu")),
        "queue": of_components(job, "partition"), "disk": of_components(job, "tmp_mib"),
        "exclusive": of_components(job, "exclusive"), "constraint": of_components(job, "constraint"),
        "hosts": of_components(job, "nodelist", "exclude"),
        **{name: of_job(job, key) for name, key in OF_JOB.items()},
    }  # fmt: skip


def _pe(c: Component, says: Sge) -> Optional[str]:
    """The parallel environment for one node if the tasks are known to be on one, otherwise the one for several."""
    one = len(layout.tasks_by_node(c) or ()) == 1
    return says.pe_one or says.pe_many if one else says.pe_many


def _per(name: Optional[str], per: str, total: int, c: Component, spell: Callable[[int], str]) -> Optional[str]:
    """A resource counted by slot, by node or for the whole job, rounded up."""
    if not name or not total:
        return None
    parts = {"slot": layout.all_cpus(c), "node": len(layout.tasks_by_node(c) or [1]), "job": 1}[per]
    return f"{name}={spell(ceil(total / parts))}"


def _hosts(c: Component) -> Optional[str]:
    if c.nodelist:
        return f"hostname={c.nodelist}"
    return f"hostname=!({c.exclude.replace(',', '|')})" if c.exclude else None


def _warned(job: Job) -> Optional[int]:
    """The time after which USR1 is sent: the soft limit. Source: queue_conf(5), s_rt."""
    found = re.fullmatch(r"(?:B:)?(?:SIG)?USR1@(\d{1,5})", job.signal or "")
    return job.time - int(found[1]) if found and job.time and job.time > int(found[1]) > 0 else None


def _mail(job: Job) -> Optional[str]:
    events = forms.mail(job.mail_type) if job.mail_type else None
    return None if events is None else "".join(forms.MAIL[name] for name in events) or "n"


def _written(job: Job, says: Sge) -> List[str]:
    resources = [f"-l {name}" for name in ("h_rt", says.memory, says.gpu) if name]
    always = ["-N", "-S", "-pe", "-j", "-cwd", "-wd", "-q", *resources]
    asked = {
        says.account: job.account, "-t": job.array, "-tc": job.array, "-o": job.output, "-e": job.error, "-m": job.mail_type,
        "-M": job.mail_user, "-hold_jid": job.dependency, "-r": job.requeue, "-V": job.export, "-v": job.export,
        "-ar": job.reservation,
    }  # fmt: skip
    return [*always, *(name for name, value in asked.items() if value is not None)]


FILTERS: Dict[str, Callable[..., Any]] = {"hms": common.given(hms), "yesno": common.given(common.yes_or_no)}
