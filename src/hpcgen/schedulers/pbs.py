"""PBS: the neutral model in the options of qsub of PBS Pro and OpenPBS, and in the dialects of Gadi and Torque.

Sources: qsub(1B) and pbs_resources(7B) of OpenPBS 23; for nodes-ppn, qsub(1) of Torque 6.
"""

# Not `from __future__ import annotations`: the types of the dialect are read at run time.
import re
from itertools import groupby
from typing import Any, Callable, Dict, Iterable, Iterator, List, Literal, Optional, Tuple

from hpcgen.base.kinds import Token
from hpcgen.base.toml import Table
from hpcgen.base.units import hms
from hpcgen.model import forms, layout
from hpcgen.model.job import Component, Job
from hpcgen.model.layout import Chunk, chunks
from hpcgen.model.spelled import Spelled, SpelledOrigins, of_components, of_job
from hpcgen.schedulers import _common as common
from hpcgen.schedulers._common import amount, read

DIRECTIVE = "#PBS"
INHERITED = ("PBS_", "PMI_", "PMIX_", "PALS_", "OMPI_", "SLURM_", "SBATCH_")
KEPT = ("PBS_CONF_FILE", "PBS_EXEC", "PBS_SERVER", "PBS_DEFAULT")  # these name the server
SUBMIT = ("qsub",)


ChunkKey = Literal["ncpus", "mpiprocs", "ompthreads", "mem", "ngpus"]
CHUNK: Tuple[ChunkKey, ...] = ("ncpus", "mpiprocs", "ompthreads", "mem", "ngpus")


class Pbs(Table, frozen=True, kw_only=True):
    """PBS Pro, OpenPBS and Torque. Sources of the defaults: qsub(1B), pbs_resources(7B) of OpenPBS."""

    style: Literal["chunks", "totals", "nodes-ppn"] = "chunks"
    """What a job requests: chunks (`select=`), totals for the whole job (Gadi), or Torque's `nodes=2:ppn=4`."""
    account: Literal["-A", "-P", "-W group_list="] = "-A"
    """The option that names the account."""
    workdir: Literal["cd", "-l wd"] = "cd"
    """How the job changes to the folder that it was submitted from."""
    chunk: Tuple[Token, ...] = ()
    """Resources that every chunk requests: system=polaris."""
    chunk_keys: Tuple[ChunkKey, ...] = CHUNK
    """The other keys of a chunk, if the site allocates whole nodes and does not accept all of them."""
    place: Optional[Token] = None
    """The placement of chunks (`-l place=`) in every job."""
    resources: Dict[Token, Token] = {}
    """Resources that every job requests: `-l NAME=VALUE`. `{account}` stands for the job's account."""
    required: Tuple[Token, ...] = ()
    """The names of resources that users must request with `--resource`."""
    disk: Optional[Token] = None
    """The resource for local disk."""
    disk_per: Literal["job", "node"] = "node"
    """What the amount of local disk is for."""
    qos: Optional[Token] = None
    """The job-wide resource that names the quality of service."""
    gpu_type: Optional[Token] = None
    """The resource of a chunk that names the type of its GPUs."""


DIALECT = Pbs
SETS_THREADS = True  # OMP_NUM_THREADS, to ncpus. Source: pbs_resources(7B), ompthreads


def array_index(dialect: Any) -> str:
    return "PBS_ARRAYID" if read(Pbs, dialect).style == "nodes-ppn" else "PBS_ARRAY_INDEX"


def hetjob(dialect: Any) -> Optional[str]:
    style = read(Pbs, dialect).style
    if style == "totals":
        return "PBS at this site takes totals for the whole job, not chunks"
    return "nodes and ppn cannot give ranks different numbers of CPUs" if style == "nodes-ppn" else None


def tells_ranks(dialect: Any) -> bool:
    """Whether $PBS_NODEFILE has one line per rank (mpiprocs), not one per CPU."""
    says = read(Pbs, dialect)
    return says.style == "chunks" and "mpiprocs" in says.chunk_keys


def memory_unsaid(dialect: Any, c: Component) -> bool:
    """Only whole nodes come with all of their memory."""
    says = read(Pbs, dialect)
    whole = "ncpus" not in says.chunk_keys or c.whole_node_cpus is not None
    return says.style == "chunks" and "mem" not in says.chunk_keys and whole


LACKS = {
    "reservation": "a reservation is a queue: use --partition with its name",
    "signal": "qsub sends SIGTERM at the limit, some seconds before SIGKILL: trap that",
    "comment": "put it into the program's output, or leave it out",
    "open_mode": "each job has its own files: leave it out",
    "exclude": "choose nodes with --constraint",
    **common.CORES,
    "distribution": "use --nodes and --ntasks-per-node, or --directive '-l place=pack'",
    "licenses": "licences are resources named by the site: use --resource NAME=NUMBER",
}
FILES: Dict[str, str] = {}
# Job-wide resources that scripts set in one style or another.
WRITTEN = ("select", "place", "walltime", "ncpus", "mem", "ngpus", "nodes", "mpiprocs")


def refuse(job: Job) -> List[str]:
    """Options that qsub would refuse, drop or misread."""
    says = read(Pbs, job.dialect)
    found = [*_of_job(job, says), *(text for c in job.components for text in _of_component(c, says))]
    return list(dict.fromkeys(found))


def _of_job(job: Job, says: Pbs) -> Iterator[str]:
    yield from common.cannot(job, "PBS", LACKS)
    if job.hetjob and (why := hetjob(job.dialect)):
        yield f"--hetjob: {why}: add --flatten for the nearest job of equal ranks"
    yield from common.name_fault(job, "PBS", r"(?a:[A-Za-z][\w.+-]*)", "a letter, then letters, digits and _.+-", 230)
    yield from common.mail_fault(job.mail_type, "PBS")
    yield from common.dependency_fault(job.dependency)
    yield from common.file_faults(
        job, "PBS", FILES, "give a folder that ends in '/' for NAME.oNUMBER in it, or a plain file name"
    )
    yield from common.twice(job, "qsub", _written(job, says))
    if job.qos and not says.qos:
        yield f"--qos {job.qos}: PBS has none, and the profile names no resource for it: choose with --partition"
    if job.array and job.requeue is False:
        yield "--no-requeue: PBS can always rerun the jobs of an array: leave it out"
    yield from common.array_fault(job.array)
    if job.array:
        yield from _array_faults(job.array, says)
    yield from common.resource_faults(job, says.required, WRITTEN)


def _array_faults(text: str, says: Pbs) -> Iterator[str]:
    ranges = forms.array(text).ranges
    if says.style == "nodes-ppn":
        if ":" in text:
            yield f"--array {text}: Torque takes no steps: list the indices, as in 1,3,5"
        return
    if len(ranges) > 1:
        yield f"--array {text}: PBS takes only one range: submit each range by itself, or write 1-10 or 1-10:2"
    elif (first := ranges[0].first) == ranges[0].last:
        yield f"--array {text}: PBS takes no fewer than two indices: write {first}-{first + 1}, or leave it out"


def _of_component(c: Component, says: Pbs) -> Iterator[str]:
    yield from common.layout_faults(c)
    if c.constraint and says.style != "nodes-ppn" and not _pairs(c.constraint):
        yield f"--constraint '{c.constraint}': PBS takes only resources here: write NAME=VALUE, as in cpu_type=milan"
    if c.gres and not _pairs(c.gres):
        yield f"--gres '{c.gres}': PBS takes only resources here: write NAME=VALUE"
    if says.style == "nodes-ppn" and c.cpus_per_task > 1 and layout.tasks_by_node(c) is None:
        yield f"{layout.typed(c, 'cpus_per_task')}: Torque counts CPUs, not tasks: give --nodes as well ({c.role})"
    if says.style != "chunks":
        advised = {"gres": "use --resource", "exclusive": "ask for all CPUs of the nodes", "nodelist": "leave it out"}
        for name, advice in advised.items():
            if getattr(c, name):
                yield f"{common.option_of(name)}: PBS at this site does not take it: {advice}"
        if says.style == "totals" and c.constraint:
            yield "--constraint: PBS at this site does not take it: choose the kind of node with --partition"
    if c.nodelist and "," in c.nodelist:
        yield f"--nodelist {c.nodelist}: PBS takes one host per chunk: name one host"
    if c.gpus and c.gpus.type and not says.gpu_type:
        yield f"--gpus {c.gpus.type}: the profile names no resource for GPU types: leave it out, and choose with --partition"
    if c.tmp_mib and not says.disk:
        yield "--tmp: the profile names no resource for local disk: leave it out"
    if c.mem_mib == 0:
        yield "--mem 0: PBS cannot request all memory of a node: give an amount"


def _pairs(text: str) -> Optional[Tuple[str, ...]]:
    parts = tuple(re.split(r"[,&:]", text))
    return parts if all(re.fullmatch(r"[A-Za-z][\w.-]*=[\w.-]+", part) for part in parts) else None


def _written(job: Job, says: Pbs) -> List[str]:
    """The directives that the script has, in this or another style."""
    always = ["-N", "-q", "-j", *(f"-l {name}" for name in ("walltime", "select", "ncpus", "ngpus", "mem", "nodes", "place"))]
    asked = {
        says.account: job.account, "-J": job.array, "-t": job.array, "-o": job.output, "-e": job.error, "-m": job.mail_type,
        "-M": job.mail_user, "-W depend": job.dependency, "-r": job.requeue, "-V": job.export, "-v": job.export,
    }  # fmt: skip
    return [*always, *(name for name, value in asked.items() if value is not None)]


# --- values for the template


def spelled(job: Job) -> Spelled:
    says = read(Pbs, job.dialect)
    return Spelled({**_whole(job, says), **_files(job), **_request(job, says)}, _origins(job))


def _whole(job: Job, says: Pbs) -> Dict[str, Optional[str]]:
    """Values for the whole job."""
    everything, passed = forms.exported(job.export or "")
    return {
        "account": _account(job, says),
        "queue": job.components[-1].partition,
        "array": _array(job, says),
        "mail": _mail(job),
        "names": ",".join(passed) or None,
        "all_variables": "-V" if everything else None,
        "disk": _disk(job, says),
        "qos": f"{says.qos}={job.qos}" if says.qos and job.qos else None,
        "wd": "wd" if says.workdir == "-l wd" and not job.chdir else None,
    }


def _origins(job: Job) -> SpelledOrigins:
    size = of_components(job, "ntasks", "cpus_per_task", "nodes", "ntasks_per_node", "whole_node_cpus", "cpus")
    ram = of_components(job, "mem_mib", "mem_per_cpu_mib", "mem_per_gpu_mib")
    cards = of_components(job, "gpus")
    return {
        "account": of_job(job, "account"), "queue": of_components(job, "partition"), "array": of_job(job, "array"),
        "select": (*size, *ram, *cards, *of_components(job, "constraint", "gres", "nodelist")), "nodes": (*size, *cards),
        "place": of_components(job, "nodes", "exclusive"), "ncpus": size, "mem": ram, "ngpus": cards,
        "disk": of_components(job, "tmp_mib"), "output": of_job(job, "output"), "error": of_job(job, "error"),
        "mail": of_job(job, "mail_type"), "names": of_job(job, "export"), "all_variables": of_job(job, "export"),
        "qos": of_job(job, "qos"), "wd": of_job(job, "dialect.workdir"), "join": of_job(job, "joined"),
    }  # fmt: skip


def _account(job: Job, says: Pbs) -> Optional[str]:
    if job.account is None:
        return None
    return f"{says.account}{job.account}" if says.account.endswith("=") else f"{says.account} {job.account}"


def _request(job: Job, says: Pbs) -> Dict[str, Optional[str]]:
    """The resource request in the site's style; the values of other styles are None."""
    made: Dict[str, Optional[str]] = dict.fromkeys(("select", "place", "nodes", "ncpus", "ngpus", "mem"))
    parts = [(c, chunk) for c in job.components for chunk in chunks(c)]
    if says.style == "chunks":
        made.update(select=_select((chunk.times, _chunk(c, chunk, says)) for c, chunk in parts), place=_place(job, says))
        return made
    made["mem"] = amount(sum(chunk.times * (chunk.mem or 0) for _, chunk in parts), "b")
    if says.style == "totals":
        gpus = sum(map(layout.all_gpus, job.components))
        made.update(ncpus=str(sum(map(layout.all_cpus, job.components))), ngpus=str(gpus) if gpus else None)
    else:
        made["nodes"] = _nodes(job.components[-1])
    return made


def _select(parts: Iterable[Tuple[int, str]]) -> str:
    """Equal chunks are merged: without mpiprocs, nodes of 3 ranks and of 2 are equal."""
    alike = groupby(parts, key=lambda part: part[1])
    return "+".join(f"{sum(times for times, _ in group)}:{text}" for text, group in alike)


def _chunk(c: Component, chunk: Chunk, says: Pbs) -> str:
    keys = {
        "ncpus": str(chunk.cpus), "mpiprocs": str(chunk.tasks), "ompthreads": str(c.cpus_per_task),
        "mem": amount(chunk.mem, "b"), "ngpus": str(chunk.gpus) if chunk.gpus else None,
    }  # fmt: skip
    said = [key for key in CHUNK if key in says.chunk_keys or (key == "mem" and not memory_unsaid(says, c))]
    parts = [*says.chunk, *(f"{key}={keys[key]}" for key in said if keys[key])]
    if c.gpus and c.gpus.type:
        parts.append(f"{says.gpu_type}={c.gpus.type}")
    if c.tmp_mib and says.disk and says.disk_per == "node":
        parts.append(f"{says.disk}={amount(c.tmp_mib, 'b')}")
    parts += [*(_pairs(c.constraint or "") or ()), *(_pairs(c.gres or "") or ())]
    return ":".join([*parts, *([f"host={c.nodelist}"] if c.nodelist else [])])


def _nodes(c: Component) -> str:
    """Equal nodes: mpirun gives each as many ranks as the first one has."""
    parts = chunks(c)
    cards = [f"gpus={parts[0].gpus}"] if parts[0].gpus else []
    count, ppn = sum(chunk.times for chunk in parts), max(chunk.cpus for chunk in parts)
    return ":".join([str(count), f"ppn={ppn}", *cards, *(c.constraint.split("&") if c.constraint else [])])


def _place(job: Job, says: Pbs) -> Optional[str]:
    """One node per chunk if the user asked for nodes; ``exclhost`` keeps other jobs off the hosts."""
    spread = any((c.nodes or 0) > 1 for c in job.components) or (job.hetjob and any(c.nodes for c in job.components))
    place = says.place or ("scatter" if spread else None)
    if any(c.exclusive for c in job.components):
        return f"{place}:exclhost" if place else "exclhost"
    return place


def _disk(job: Job, says: Pbs) -> Optional[str]:
    """Local disk of the whole job; if it is counted by chunk, it is part of the chunk instead."""
    if not says.disk or (says.disk_per == "node" and says.style == "chunks"):
        return None
    each = [(c.tmp_mib or 0) * (len(layout.tasks_by_node(c) or [1]) if says.disk_per == "job" else 1) for c in job.components]
    total = amount(sum(each), "b")
    return f"{says.disk}={total}" if total else None


def _array(job: Job, says: Pbs) -> Optional[str]:
    return None if job.array is None else f"-{'t' if says.style == 'nodes-ppn' else 'J'} {job.array}"


def _mail(job: Job) -> Optional[str]:
    events = forms.mail(job.mail_type) if job.mail_type else None
    return None if events is None else "".join(sorted(forms.MAIL[name] for name in events)) or "n"


def _files(job: Job) -> Dict[str, Optional[str]]:
    """Without --error, error output goes to the output file, as with sbatch."""
    files = {name: getattr(job, name) and forms.pattern(getattr(job, name), FILES) for name in ("output", "error")}
    return {**files, "join": None if job.error else "oe"}


FILTERS: Dict[str, Callable[..., Any]] = {
    "hms": common.given(hms),
    "yesno": common.given(common.yes_or_no),
}
