"""LSF: how bsub of Spectrum LSF 10.1 spells what the neutral model says.

Source: IBM's reference of 10.1: bsub, and resource requirement strings (span, rusage, affinity, compound ones).
"""

from __future__ import annotations

import re
from typing import Any, Iterator, List, Mapping, Optional

import msgspec

from hpcgen import dialects, spelling
from hpcgen.dialects import Lsf
from hpcgen.job import Component, Job, Origin
from hpcgen.spelling import Spelled, chunks, of_components, of_job
from hpcgen.units import size

DIRECTIVE = "#BSUB"
ACCOUNT_VARIABLE = "LSB_DEFAULTPROJECT"
INHERITED = ("LSB_", "LSFUSER", "LS_JOBPID", "LS_SUBCWD", "JSM_", "PMI_", "PMIX_", "OMPI_", "SLURM_", "PBS_")
KEPT = ("LSB_DEFAULTGROUP", "LSB_DEFAULTPROJECT", "LSB_DEFAULTQUEUE")
SUBMIT = ("bsub",)
STDIN = True  # bsub reads directives from its standard input only


def array_index(dialect: Mapping[str, Any]) -> Optional[str]:
    return "LSB_JOBINDEX"


def hetjob(dialect: Mapping[str, Any]) -> Optional[str]:
    says = dialects.read(Lsf, dialect)
    if says.style == "nodes":
        return "LSF here gives whole nodes, and jsrun equal resource sets"
    return None if says.cpus == "affinity" else "slots of LSF here are CPUs, so that no rank gets its own number of them"


def tells_ranks(dialect: Mapping[str, Any]) -> bool:
    """Whether a slot is a task, and not a CPU."""
    return dialects.read(Lsf, dialect).cpus == "affinity"


LACKS = {
    "qos": "--directive '-sla NAME' names a service class",
    **spelling.CORES,
    "distribution": "ask for --nodes, or leave it out",
    "licenses": "--directive '-R rusage[NAME=NUMBER]' with the site's own names",
    "gres": "--directive '-R rusage[NAME=NUMBER]' with the site's own names",
}
FILES = {"j": "%J", "A": "%J", "a": "%I"}


def refuse(job: Job) -> List[str]:
    says = dialects.read(Lsf, job.dialect)
    if job.hetjob and says.gpu == "-gpu" and any(c.gpus for c in job.components):
        return ["--hetjob: GPUs of LSF are every host's, and scheduler and client would get them too: leave it out"]
    return list(dict.fromkeys([*_of_job(job), *(text for c in job.components for text in _of_component(c, says))]))


def _of_job(job: Job) -> Iterator[str]:
    yield from spelling.cannot(job, "LSF", LACKS)
    yield from spelling.name_fault(job, "LSF", r"(?a:[A-Za-z0-9_][\w.+-]*)", "letters, digits and _.+-", 4094)
    yield from spelling.mail_fault(job.mail_type, "LSF")
    if spelling.mail(job.mail_type or "NONE") in (["FAIL"], ["BEGIN", "FAIL"]):
        yield f"--mail-type {job.mail_type}: LSF reports how a job ended, well or not: write END,FAIL"
    yield from spelling.dependency_fault(job.dependency)
    yield from spelling.file_faults(job, "LSF", FILES, "use those, or leave it out")
    yield from spelling.twice(job, "bsub", _written(job))
    for name, value in job.resources:
        yield f"--resource {name}={value}: LSF has none of its own for a job: --directive '-R rusage[{name}={value}]'"
    if job.signal and _warning(job.signal) is None:
        yield f"--signal {job.signal}: LSF warns by whole minutes: write USR1@120"
    if job.comment and not re.fullmatch(r"[^\"'`$\\]+", job.comment):
        yield "--comment: no quotes, $ or \\ in it for LSF"
    yield from spelling.array_fault(job.array)
    if job.array and any(part.first < 1 for part in spelling.array(job.array).ranges):
        yield f"--array {job.array}: LSF counts from 1"
    if job.chdir and not re.fullmatch(r"[^\s'\"\\$`]+", job.chdir):
        yield f"--chdir: LSF takes no blanks, quotes or $ in a path: '{job.chdir}' has some"


def _of_component(c: Component, says: Lsf) -> Iterator[str]:
    yield from spelling.layout_faults(c)
    per_node, known = spelling.by_node(c), c.ntasks * c.cpus_per_task
    if says.style == "slots" and per_node is None:
        if says.memory_per == "node" and c.mem_per_cpu_mib:
            yield f"--ntasks {c.ntasks}: LSF here counts memory by node: on how many --nodes are the {known} CPUs ({c.role})?"
        elif c.cpus_per_task > 1 and says.cpus == "slots":
            yield f"--cpus-per-task {c.cpus_per_task}: LSF here counts CPUs, not tasks: on how many --nodes are they?"
        elif c.gpus:
            yield f"--gpus: LSF counts GPUs by node: say on how many --nodes the tasks are ({c.role})"
    if c.mem_mib == 0:
        yield "--mem 0: LSF has no word for all memory: say how much"
    hosts = c.nodelist.split(",") if c.nodelist else []
    if hosts and len(hosts) != (c.nodes or 1):
        yield f"--nodelist {c.nodelist}: LSF takes hosts that a job may have, not those it must: name as many as --nodes"
    if says.style == "nodes":
        if (cards := spelling.gpus(c)) % c.ntasks:
            yield f"--gpus: {c.ntasks} ranks under jsrun get no equal share of {cards}: give --gpus-per-task"
        for name in ("constraint", "exclude", "nodelist", "tmp_mib"):
            if getattr(c, name):
                yield f"{spelling.option_of(name)}: nodes of this site are asked for by number only: leave it out"


def job_id(answer: str) -> str:
    """Source: bsub: ``Job <1234> is submitted to queue <normal>.``"""
    found = re.search(r"Job <(\d+)>", answer)
    return found[1] if found else ""


# --- values for the template


OF_JOB = {
    "account": "account", "name": "name", "time": "time", "output": "output", "error": "error", "mail": "mail_type",
    "begin": "mail_type", "after": "dependency", "warning": "signal", "environment": "export", "comment": "comment",
    "rerun": "requeue",
}  # fmt: skip


def spelled(job: Job) -> Spelled:
    says = dialects.read(Lsf, job.dialect)
    last = job.components[-1]
    slots = says.style == "slots"
    events = spelling.mail(job.mail_type or "NONE") or []
    values = {
        "account": f"{says.account} {job.account}" if job.account else None,
        "name": f'"{job.name}{_array(job)}"' if job.array else job.name,
        "queue": last.partition,
        "time": _minutes(job.time),
        "slots": sum(_slots(c, says) for c in job.components) if slots else None,
        "nodes": None if slots else last.nodes,
        "flags": '"' + " ".join(says.alloc_flags) + '"' if says.alloc_flags else None,
        "requirement": _requirement(job, says) if slots else None,
        "limit": _limit(job, says) if slots else None,
        "gpus": _gpus(last, says) if slots else None,
        "hosts": '"' + last.nodelist.replace(",", " ") + '"' if last.nodelist else None,
        "exclusive": "-x" if any(c.exclusive for c in job.components) else None,
        "output": _output(job),
        "error": _file("e", job.error, job.open_mode),
        "begin": "-B" if "BEGIN" in events else None,
        "mail": "-N" if "END" in events else None,
        "after": _after(job.dependency),
        "rerun": None if job.requeue is None else "-r" if job.requeue else "-rn",
        "warning": _warning(job.signal) if job.signal else None,
        "environment": _environment(job.export),
        "comment": f'"{job.comment}"' if job.comment else None,
    }
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
    return Spelled(values, origins)


def _array(job: Job) -> str:
    indices, _, most = (job.array or "").partition("%")
    return f"[{indices}]{f'%{most}' if most else ''}"


def _minutes(seconds: Optional[int]) -> Optional[str]:
    """HH:MM, a part of a minute counted as one. Source: bsub -W."""
    return None if seconds is None else f"{-(-seconds // 60) // 60:02d}:{-(-seconds // 60) % 60:02d}"


def _slots(c: Component, says: Lsf) -> int:
    return c.ntasks if says.cpus == "affinity" else c.cpus or c.ntasks * c.cpus_per_task


def _requirement(job: Job, says: Lsf) -> Optional[str]:
    """One string, or a compound one with a term for each component; it stands in quotes."""
    terms = [_simple(c, says) for c in job.components]
    if len(terms) == 1:
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
    """``hosts=1``, or the slots of each host where their number is known."""
    if (per_node := spelling.by_node(c)) is None:
        return ""
    if len(per_node) == 1:
        return "span[hosts=1]"
    return f"span[ptile={max(per_node) if says.cpus == 'affinity' else max(chunk.cpus for chunk in chunks(c))}]"


def _share(c: Component, says: Lsf) -> Optional[int]:
    """MiB of a host, or of a slot: its share of the fullest host."""
    mem, slots = max((chunk.mem or 0, chunk.tasks if says.cpus == "affinity" else chunk.cpus) for chunk in chunks(c))
    return (mem if says.memory_per == "node" else -(-mem // slots)) or None


def _limit(job: Job, says: Lsf) -> Optional[str]:
    """-M: one number for the whole job, so that of the component with the most."""
    if says.limit_per is None:
        return None
    if says.limit_per == "job":
        return _amount(sum(chunk.times * (chunk.mem or 0) for c in job.components for chunk in chunks(c)), says)
    per = msgspec.structs.replace(says, memory_per=says.limit_per)
    return _amount(max(_share(c, per) or 0 for c in job.components), says)


def _amount(mib: Optional[int], says: Lsf) -> Optional[str]:
    """In the site's unit, rounded up to a whole number; with its own unit where the site has none."""
    if not mib:
        return None
    if says.memory_unit is None:
        return f"{size(mib)}B"
    return str(mib * 1024 if says.memory_unit == "KB" else -(-mib // {"MB": 1, "GB": 1024, "TB": 1024**2}[says.memory_unit]))


def _gpus(c: Component, says: Lsf) -> Optional[str]:
    if c.gpus is None or says.gpu != "-gpu":
        return None
    return f'"num={max(chunk.gpus for chunk in chunks(c))}{f":gmodel={c.gpus.type}" if c.gpus.type else ""}"'


def _output(job: Job) -> str:
    """Without -o, bsub sends a job's output by mail."""
    unasked = f"{job.name}.%J{'.%I' if job.array else ''}.out"
    return str(_file("o", job.output or unasked, job.open_mode, asked=job.output is not None))


def _file(letter: str, name: Optional[str], mode: Optional[str], asked: bool = True) -> Optional[str]:
    """``-oo`` and ``-eo`` overwrite; ``-o`` and ``-e`` append."""
    if name is None:
        return None
    return f"-{letter}{'o' if mode == 'truncate' else ''} {spelling.pattern(name, FILES) if asked else name}"


CONDITIONS = {"afterok": "done", "afterany": "ended", "afternotok": "exit", "after": "started"}


def _after(text: Optional[str]) -> Optional[str]:
    parts = spelling.dependencies(text) if text else None
    return '"' + " && ".join(f"{CONDITIONS[part.kind]}({job})" for part in parts for job in part.jobs) + '"' if parts else None


def _warning(text: str) -> Optional[str]:
    """``-wt`` minutes before the limit, ``-wa`` the signal. Source: bsub."""
    found = re.fullmatch(r"(?:B:)?(?:SIG)?([A-Z][A-Z0-9]*)@(\d{1,5})", text)
    return f"-wt {int(found[2]) // 60} -wa {found[1]}" if found and int(found[2]) and int(found[2]) % 60 == 0 else None


def _environment(export: Optional[str]) -> Optional[str]:
    """Source: bsub -env: all, none, or a list of variables."""
    if export is None:
        return None
    everything, names = spelling.exported(export)
    return '"' + ", ".join([*(["all"] if everything else []), *names] or ["none"]) + '"'


def _written(job: Job) -> List[str]:
    asked = {
        "-P": job.account, "-G": job.account, "-e": job.error, "-N": job.mail_type, "-B": job.mail_type, "-u": job.mail_user,
        "-w": job.dependency, "-r": job.requeue, "-rn": job.requeue, "-env": job.export, "-U": job.reservation,
        "-cwd": job.chdir, "-Jd": job.comment,
    }  # fmt: skip
    return ["-J", "-q", "-W", "-n", "-nnodes", "-o", "-oo", "-M", *(name for name, value in asked.items() if value is not None)]
