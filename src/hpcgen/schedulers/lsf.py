"""LSF: the neutral model in the options of bsub of Spectrum LSF 10.1.
Source: IBM's reference of 10.1: bsub, and resource requirement strings (span, rusage, affinity, compound ones).
"""

# Not `from __future__ import annotations`: the types of the dialect are read at run time.
import re
from typing import Any, Dict, Iterator, List, Literal, Optional, Tuple

import msgspec

from hpcgen.base.kinds import Token
from hpcgen.base.toml import Table
from hpcgen.base.units import hm, size
from hpcgen.model import forms, layout
from hpcgen.model.job import Component, Job, Origin
from hpcgen.model.layout import chunks
from hpcgen.model.spelled import Spelled, SpelledOrigins, of_components, of_job
from hpcgen.schedulers import _common as common
from hpcgen.schedulers._common import read

DIRECTIVE = "#BSUB"
ACCOUNT_VARIABLE = "LSB_DEFAULTPROJECT"
INHERITED = ("LSB_", "LSFUSER", "LS_JOBPID", "LS_SUBCWD", "JSM_", "PMI_", "PMIX_", "OMPI_", "SLURM_", "PBS_")
KEPT = ("LSB_DEFAULTGROUP", "LSB_DEFAULTPROJECT", "LSB_DEFAULTQUEUE")
SUBMIT = ("bsub",)
STDIN = True  # bsub reads directives from its standard input only


class Lsf(Table, frozen=True, kw_only=True):
    """Spectrum LSF. Sources of the defaults: bsub(1) and the resource requirement strings of 10.1."""
    style: Literal["slots", "nodes"] = "slots"
    """What a job requests: slots (`-n`), or whole nodes (`-nnodes`, with jsrun)."""
    account: Literal["-P", "-G"] = "-P"
    """The option that names the account."""
    cpus: Literal["slots", "affinity"] = "slots"
    """A slot for each CPU, or a slot for each task with `affinity[core(n)]`."""
    memory_unit: Optional[Literal["KB", "MB", "GB", "TB"]] = None
    """The site's LSF_UNIT_FOR_LIMITS, if amounts of memory are numbers without a unit."""
    memory_per: Literal["slot", "node"] = "node"
    """What the amount of memory in rusage is for."""
    limit_per: Optional[Literal["slot", "node", "job"]] = None
    """What the memory limit (`-M`) is for. Without it scripts set no limit."""
    select_memory: bool = False
    """Jobs must also select hosts by their free memory."""
    gpu: Token = "-gpu"  # type: ignore[assignment]
    """How jobs request GPUs: `-gpu`, or the name of a resource for rusage."""
    alloc_flags: Tuple[Token, ...] = ()
    """The `-alloc_flags` of every job."""


DIALECT = Lsf


def array_index(dialect: Any) -> str:
    return "LSB_JOBINDEX"


def hetjob(dialect: Any) -> Optional[str]:
    says = read(Lsf, dialect)
    if says.style == "nodes":
        return "LSF at this site gives whole nodes, and jsrun needs equal resource sets"
    return None if tells_ranks(says) else "LSF slots at this site are CPUs, and cannot give ranks different numbers of them"


def nodes_only(dialect: Any) -> bool:
    """Whether jobs ask for nodes, with -nnodes."""
    return read(Lsf, dialect).style == "nodes"


def together(dialect: Any, c: Component, wide: bool) -> bool:
    """Tasks go to one host if memory or GPUs are counted by host, or CPUs by slot."""
    says = read(Lsf, dialect)
    if says.style != "slots":
        return False
    return says.memory_per == "node" or c.gpus is not None or (wide and says.cpus == "slots")


def tells_ranks(dialect: Any) -> bool:
    """Whether a slot is a task, not a CPU."""
    return read(Lsf, dialect).cpus == "affinity"


LACKS = {
    "qos": "for a service class, use --directive '-sla NAME'",
    **common.CORES,
    "distribution": "use --nodes, or leave it out",
    "licenses": "use --directive '-R rusage[NAME=NUMBER]' with the site's name",
    "gres": "use --directive '-R rusage[NAME=NUMBER]' with the site's name",
}
FILES = {"j": "%J", "A": "%J", "a": "%I"}


def refuse(job: Job) -> List[str]:
    says = read(Lsf, job.dialect)
    if job.hetjob and says.gpu == "-gpu" and any(c.gpus for c in job.components):
        return ["--hetjob: LSF allocates GPUs on every host, also for the scheduler and the client: leave it out"]
    return list(dict.fromkeys([*_of_job(job), *(text for c in job.components for text in _of_component(c, says))]))


def _of_job(job: Job) -> Iterator[str]:
    yield from common.cannot(job, "LSF", LACKS)
    yield from common.name_fault(job, "LSF", r"(?a:[A-Za-z0-9_][\w.+-]*)", "letters, digits and _.+-", 4094)
    yield from common.mail_fault(job.mail_type, "LSF")
    if forms.mail(job.mail_type or "NONE") in (["FAIL"], ["BEGIN", "FAIL"]):
        yield f"--mail-type {job.mail_type}: LSF sends one mail for every end of a job: write END,FAIL"
    yield from common.dependency_fault(job.dependency)
    yield from common.file_faults(job, "LSF", FILES, "use only these, or leave it out")
    yield from common.twice(job, "bsub", _written(job))
    for name, value in job.resources:
        yield f"--resource {name}={value}: LSF has no job-wide resources: use --directive '-R rusage[{name}={value}]'"
    if job.signal and _warning(job.signal) is None:
        yield f"--signal {job.signal}: LSF counts whole minutes before the limit: write USR1@120"
    if job.comment and not re.fullmatch(r"[^\"'`$\\]+", job.comment):
        yield f"--comment {job.comment}: LSF takes no quotes, $ or \\ in it: leave them out"
    yield from common.array_fault(job.array)
    if job.array and any(part.first < 1 for part in forms.array(job.array).ranges):
        yield f"--array {job.array}: LSF counts from 1: use indices from 1"
    yield from common.chdir_fault(job, "LSF")


def _of_component(c: Component, says: Lsf) -> Iterator[str]:
    yield from common.layout_faults(c)
    per_node, known = layout.tasks_by_node(c), layout.task_cpus(c)
    if says.style == "slots" and per_node is None:
        if says.memory_per == "node" and c.mem_per_cpu_mib:
            yield f"--mem-per-cpu: LSF at this site counts memory by node: give --nodes for the {known} CPUs ({c.role})"
        elif c.cpus_per_task > 1 and says.cpus == "slots":
            yield f"{layout.typed(c, 'cpus_per_task')}: LSF at this site counts CPUs, not tasks: give --nodes as well"
        elif c.gpus:
            yield f"--gpus: LSF counts GPUs by node: give --nodes for the tasks ({c.role})"
    if c.mem_mib == 0:
        yield "--mem 0: LSF cannot request all memory of a node: give an amount"
    yield from common.nodelist_fault(c, "LSF")
    if says.style == "nodes":
        if (cards := layout.all_gpus(c)) % c.ntasks:
            yield f"--gpus {cards}: {c.ntasks} ranks under jsrun do not divide them: use --gpus-per-task"
        for name in ("constraint", "exclude", "nodelist", "tmp_mib"):
            if getattr(c, name):
                yield f"{common.option_of(name)}: jobs at this site can only set the number of nodes: leave it out"


def job_id(answer: str) -> str:
    """Source: bsub: ``Job <1234> is submitted to queue <normal>.``"""
    return "".join(re.findall(r"Job <(\d+)>", answer)[:1])


# --- values for the template


OF_JOB = {
    "account": "account", "name": "name", "time": "time", "output": "output", "error": "error", "mail": "mail_type",
    "begin": "mail_type", "after": "dependency", "warning": "signal", "environment": "export", "comment": "comment",
    "rerun": "requeue",
}  # fmt: skip


def spelled(job: Job) -> Spelled:
    says = read(Lsf, job.dialect)
    return Spelled({**_whole(job, says), **_parts(job, says)}, _origins(job))


def _whole(job: Job, says: Lsf) -> Dict[str, Optional[str]]:
    """Values for the whole job."""
    events = forms.mail(job.mail_type or "NONE") or []
    by_name = f"{job.name}.%J{'.%I' if job.array else ''}.out"  # without -o, bsub sends a job's output by mail
    output = forms.pattern(job.output, FILES) if job.output else by_name
    return {
        "account": f"{says.account} {job.account}" if job.account else None,
        "name": f'"{job.name}{_array(job)}"' if job.array else job.name,
        "time": common.given(hm)(job.time),  # Source: bsub -W
        "flags": '"' + " ".join(says.alloc_flags) + '"' if says.alloc_flags else None,
        "output": _file("o", output, job.open_mode),
        "error": _file("e", job.error and forms.pattern(job.error, FILES), job.open_mode),
        "begin": "-B" if "BEGIN" in events else None,
        "mail": "-N" if "END" in events else None,
        "after": _after(job.dependency),
        "rerun": None if job.requeue is None else "-r" if job.requeue else "-rn",
        "warning": _warning(job.signal) if job.signal else None,
        "environment": _environment(job.export),
        "comment": f'"{job.comment}"' if job.comment else None,
    }


def _parts(job: Job, says: Lsf) -> Dict[str, Any]:
    """The resource request: slots with requirements for their hosts, or whole nodes."""
    last = job.components[-1]
    slots = says.style == "slots"
    return {
        "queue": last.partition,
        "slots": sum(_slots(c, says) for c in job.components) if slots else None,
        "nodes": None if slots else last.nodes,
        "requirement": _requirement(job, says) if slots else None,
        "limit": _limit(job, says) if slots else None,
        "gpus": _gpus(last, says) if slots else None,
        "hosts": '"' + last.nodelist.replace(",", " ") + '"' if last.nodelist else None,
        "exclusive": "-x" if any(c.exclusive for c in job.components) else None,
    }


def _origins(job: Job) -> SpelledOrigins:
    amounts = of_components(job, "ntasks", "cpus_per_task", "nodes", "ntasks_per_node", "whole_node_cpus")
    ram = of_components(job, "mem_mib", "mem_per_cpu_mib", "mem_per_gpu_mib")
    extra = of_components(job, "constraint", "exclude", "tmp_mib")
    origins = {
        "slots": amounts, "nodes": amounts, "requirement": (*amounts, *ram, *extra), "queue": of_components(job, "partition"),
        "limit": (*ram, *of_job(job, "dialect.limit_per")),
        "gpus": of_components(job, "gpus"), "hosts": of_components(job, "nodelist"),
        "exclusive": of_components(job, "exclusive"),
        "flags": of_job(job, "dialect.alloc_flags"), **{name: of_job(job, key) for name, key in OF_JOB.items()},
    }  # fmt: skip
    if job.output is None:
        origins["output"] = (Origin("rule", "without a file, bsub sends a job's output by mail"),)
    return origins


def _array(job: Job) -> str:
    indices, _, most = (job.array or "").partition("%")
    return f"[{indices}]{f'%{most}' if most else ''}"


def _slots(c: Component, says: Lsf) -> int:
    return c.ntasks if says.cpus == "affinity" else layout.all_cpus(c)


def _requirement(job: Job, says: Lsf) -> Optional[str]:
    """One string, or a compound one with a term for each component, in quotes."""
    terms = [_simple(c, says) for c in job.components]
    if not job.hetjob:
        return f'"{terms[0]}"' if terms[0] else None
    return '"' + " + ".join(f"{_slots(c, says)}*{{{term}}}" for c, term in zip(job.components, terms)) + '"'


def _simple(c: Component, says: Lsf) -> str:
    share = _share(c, says)
    wanted = [c.constraint] if c.constraint else []
    wanted += [f"hname!={host}" for host in (c.exclude or "").split(",") if host]
    wanted += [f"mem>{_amount(share, says)}"] if says.select_memory and share else []
    using = [f"mem={_amount(share, says)}"] if share else []
    using += [f"tmp={_amount(c.tmp_mib, says)}"] if c.tmp_mib else []
    if says.gpu != "-gpu" and c.gpus:
        using.append(f"{says.gpu}={max(chunk.gpus for chunk in chunks(c))}")
    parts = [f"select[{' && '.join(wanted)}]" if wanted else "", _span(c, says), f"rusage[{':'.join(using)}]" if using else ""]
    return " ".join(filter(None, [*parts, f"affinity[core({c.cpus_per_task})]" if says.cpus == "affinity" else ""]))


def _span(c: Component, says: Lsf) -> str:
    """``hosts=1``, or the slots per host if the number is known."""
    if (per_node := layout.tasks_by_node(c)) is None:
        return ""
    if len(per_node) == 1:
        return "span[hosts=1]"
    return f"span[ptile={max(per_node) if says.cpus == 'affinity' else max(chunk.cpus for chunk in chunks(c))}]"


def _share(c: Component, says: Lsf) -> Optional[int]:
    """MiB per host, or per slot: its share of the fullest host."""
    mem, slots = max((chunk.mem or 0, chunk.tasks if says.cpus == "affinity" else chunk.cpus) for chunk in chunks(c))
    return (mem if says.memory_per == "node" else -(-mem // slots)) or None


def _limit(job: Job, says: Lsf) -> Optional[str]:
    """-M: one number for the whole job, so the largest of all components."""
    if says.limit_per is None:
        return None
    if says.limit_per == "job":
        return _amount(sum(chunk.times * (chunk.mem or 0) for c in job.components for chunk in chunks(c)), says)
    per = msgspec.structs.replace(says, memory_per=says.limit_per)
    return _amount(max(_share(c, per) or 0 for c in job.components), says)


def _amount(mib: Optional[int], says: Lsf) -> Optional[str]:
    """In the site's unit, rounded up to a whole number; with a unit if the site sets none."""
    if not mib:
        return None
    if says.memory_unit is None:
        return f"{size(mib)}B"
    return str(mib * 1024 if says.memory_unit == "KB" else -(-mib // {"MB": 1, "GB": 1024, "TB": 1024**2}[says.memory_unit]))


def _gpus(c: Component, says: Lsf) -> Optional[str]:
    if c.gpus is None or says.gpu != "-gpu":
        return None
    return f'"num={max(chunk.gpus for chunk in chunks(c))}{f":gmodel={c.gpus.type}" if c.gpus.type else ""}"'


def _file(letter: str, name: Optional[str], mode: Optional[str]) -> Optional[str]:
    """``-oo`` and ``-eo`` overwrite; ``-o`` and ``-e`` append."""
    return name and f"-{letter}{'o' if mode == 'truncate' else ''} {name}"


CONDITIONS = {"afterok": "done", "afterany": "ended", "afternotok": "exit", "after": "started"}


def _after(text: Optional[str]) -> Optional[str]:
    parts = forms.dependencies(text) if text else None
    return '"' + " && ".join(f"{CONDITIONS[part.kind]}({job})" for part in parts for job in part.jobs) + '"' if parts else None


def _warning(text: str) -> Optional[str]:
    """``-wt`` minutes before the limit, ``-wa`` the signal. Source: bsub."""
    found = re.fullmatch(r"(?:B:)?(?:SIG)?([A-Z][A-Z0-9]*)@(\d{1,5})", text)
    return f"-wt {int(found[2]) // 60} -wa {found[1]}" if found and int(found[2]) and int(found[2]) % 60 == 0 else None


def _environment(export: Optional[str]) -> Optional[str]:
    """Source: bsub -env: all, none, or a list of variables."""
    if export is None:
        return None
    everything, names = forms.exported(export)
    return '"' + ", ".join([*(["all"] if everything else []), *names] or ["none"]) + '"'


def _written(job: Job) -> List[str]:
    asked = {
        "-P": job.account, "-G": job.account, "-e": job.error, "-N": job.mail_type, "-B": job.mail_type, "-u": job.mail_user,
        "-w": job.dependency, "-r": job.requeue, "-rn": job.requeue, "-env": job.export, "-U": job.reservation,
        "-cwd": job.chdir, "-Jd": job.comment,
    }  # fmt: skip
    return ["-J", "-q", "-W", "-n", "-nnodes", "-o", "-oo", "-M", *(name for name, value in asked.items() if value is not None)]
