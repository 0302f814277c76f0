"""What the modules of schedulers have in common: values that are written joined, and options that few of them can say."""

from __future__ import annotations

import re
from math import ceil
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from hpcgen.job import Component, Job, Origin
from hpcgen.units import size
from hpcgen.words import option

Origins = Dict[str, Tuple[Origin, ...]]


class Spelled:
    """Values ready for a template, by name, each with its origins."""

    def __init__(self, values: Mapping[str, Any], origins: Mapping[str, Tuple[Origin, ...]]) -> None:
        self.__dict__.update(values)
        self.origins = dict(origins)


def of_components(job: Job, *names: str) -> Tuple[Origin, ...]:
    """The origins of these fields of all components, each once."""
    found = [c.origins[name] for c in job.components for name in names if name in c.origins and getattr(c, name) is not None]
    return tuple({str(origin): origin for origin in found}.values())


def of_job(job: Job, *names: str) -> Tuple[Origin, ...]:
    """The origins of what is said once for the whole job, by the names that `origins` gives them."""
    return tuple(job.origins[name] for name in names if name in job.origins)


class Chunk(NamedTuple):
    """`times` equal parts of a component, each on one node. Memory and disk in MiB, 0 GPUs where none were asked for."""

    times: int
    tasks: int
    cpus: int
    mem: Optional[int]
    gpus: int


def chunks(c: Component) -> List[Chunk]:
    """A component in parts of one node each, or of one task each where the number of nodes is not known.

    Tasks are dealt out evenly, or `ntasks_per_node` to each node; `mem` is None where all of a node's was asked for.
    """
    per_node = by_node(c)
    counts = [1] * c.ntasks if per_node is None else per_node
    made: List[Chunk] = []
    total = sum(_gpus(c, tasks, len(counts)) for tasks in counts)
    for tasks in counts:
        mem, cards = _memory(c, tasks, len(counts)), _gpus(c, tasks, len(counts))
        beside = (c.cpus or 0) * cards // total if total else 0  # the CPUs that come with these GPUs
        chunk = Chunk(1, tasks, c.whole_node_cpus or max(beside, tasks * c.cpus_per_task), mem, cards)
        if made and made[-1][1:] == chunk[1:]:
            made[-1] = made[-1]._replace(times=made[-1].times + 1)
        else:
            made.append(chunk)
    return made


def by_node(c: Component) -> Optional[List[int]]:
    """The tasks of each node, or None where it is left to the scheduler."""
    each = c.ntasks_per_node
    nodes = c.nodes or (ceil(c.ntasks / each) if each else None)
    if nodes is None:
        return [1] if c.ntasks == 1 else None
    if each:
        full, rest = divmod(c.ntasks, each)
        if full + bool(rest) == nodes:
            return [each] * full + [rest] * bool(rest)
    fewer, more = divmod(c.ntasks, nodes)
    return [fewer + 1] * more + [fewer] * (nodes - more)


def _memory(c: Component, tasks: int, parts: int) -> Optional[int]:
    if c.mem_per_cpu_mib:
        return c.mem_per_cpu_mib * c.cpus_per_task * tasks
    if c.mem_per_gpu_mib:
        return c.mem_per_gpu_mib * _gpus(c, tasks, parts)
    return c.mem_mib or None


def _gpus(c: Component, tasks: int, parts: int) -> int:
    if c.gpus is None:
        return 0
    if c.gpus.per == "task":
        return c.gpus.count * tasks
    return c.gpus.count if c.gpus.per == "node" else c.gpus.count // parts


def gpus(c: Component) -> int:
    """GPUs of a component in all."""
    return c.gpus.count if c.gpus and c.gpus.per == "job" else sum(chunk.times * chunk.gpus for chunk in chunks(c))


def cpus(c: Component) -> int:
    """CPUs of a component in all."""
    return c.cpus or sum(chunk.times * chunk.cpus for chunk in chunks(c))


def layout_faults(c: Component) -> Iterator[str]:
    """Refusals of what cannot be dealt out to nodes, for schedulers that must be told what each node gets."""
    parts = by_node(c)
    if c.nodes and c.nodes > c.ntasks:
        yield f"--nodes {c.nodes}: {c.ntasks} tasks ({c.role}) fit on no more nodes than {c.ntasks}"
    elif c.nodes and c.ntasks_per_node and c.ntasks > (most := c.nodes * c.ntasks_per_node):
        yield f"--ntasks {c.ntasks}: {c.nodes} nodes of {c.ntasks_per_node} tasks ({c.role}) hold {most}: ask for more nodes"
    unknown = f"of how many nodes, for {c.ntasks} tasks ({c.role})? Give --nodes too, or"
    if parts is None and c.mem_mib is not None:
        yield f"--mem: {unknown} --mem-per-cpu"
    if c.gpus and c.gpus.per == "node" and parts is None:
        yield f"--gpus-per-node: {unknown} --gpus-per-task"
    if c.gpus and c.gpus.per == "job" and c.gpus.count % (places := len(parts) if parts else c.ntasks):
        what = f"{places} {'nodes' if parts else 'tasks'} get no equal share"
        yield f"--gpus {c.gpus.count}: {what}: give --gpus-per-task, or --gpus-per-node with --nodes"
    if c.mem_per_gpu_mib and not c.gpus:
        yield "--mem-per-gpu: no GPUs were asked for: use --mem or --mem-per-cpu"
    if c.gpus and c.gpus.style == "gres":
        yield "--gres gpu: Slurm's way to ask for GPUs: use --gpus or --gpus-per-node"


# --- options of the whole job


def option_of(field: str) -> str:
    """The option behind this field of a job or of a component, where memory is in MiB: ``--tmp`` for ``tmp_mib``."""
    return option(field.replace("_mib", ""))


# How tasks share cores, of which only Slurm is told.
CORES = dict.fromkeys(("hint", "ntasks_per_core", "threads_per_core"), "ask for --cpus-per-task, and leave it out")


def cannot(job: Job, scheduler: str, instead: Mapping[str, str]) -> Iterator[str]:
    """A refusal for each of these options that was asked for: what this scheduler lacks, with what to do instead."""
    for name, advice in instead.items():
        asked = [getattr(part, name, None) for part in (job, *job.components)]
        if any(value is not None for value in asked):
            yield f"{option_of(name)}: {scheduler} has no such option: {advice}"


class Indices(NamedTuple):
    """One range of an array's indices: ``1-10:2``; a lone index is its own last one."""

    first: int
    last: int
    step: int

    @property
    def jobs(self) -> int:
        return len(range(self.first, self.last + 1, self.step)) if self.step else 0


class Array(NamedTuple):
    """The ranges of an array's indices, and how many of its jobs may run at a time."""

    ranges: List[Indices]
    throttle: Optional[str]

    @property
    def jobs(self) -> int:
        return sum(part.jobs for part in self.ranges)


def array(text: str) -> Array:
    """sbatch's ``1-10:2,15%3``, taken apart. Source: sbatch(1), --array."""
    indices, _, throttle = text.partition("%")
    ranges = []
    for part in indices.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?(?::(\d+))?", part)
        assert found is not None  # plan has held it against the same form
        first, last, step = found.groups()
        ranges.append(Indices(int(first), int(last or first), int(step or 1)))
    return Array(ranges, throttle or None)


def array_fault(text: Optional[str]) -> Iterator[str]:
    """A range without an index, which every scheduler refuses."""
    for part in array(text).ranges if text else ():
        if not part.jobs:
            low, high = sorted((part.first, part.last))
            yield f"--array {text}: a range of it has no index: write {low}-{high}"


IDS = r"[\w.\[\]-]+(:[\w.\[\]-]+)*"


class Dependency(NamedTuple):
    """What must have become of these jobs: ``afterok`` and the like."""

    kind: str
    jobs: Tuple[str, ...]


def dependencies(text: str) -> Optional[List[Dependency]]:
    """The parts of sbatch's ``afterok:1:2,afterany:3``, all of which must hold, or None when it says something else."""
    parts = []
    for part in text.split(","):
        kind, _, jobs = part.partition(":")
        if kind not in ("after", "afterok", "afterany", "afternotok") or not re.fullmatch(IDS, jobs):
            return None
        parts.append(Dependency(kind, tuple(jobs.split(":"))))
    return parts


def dependency_fault(text: Optional[str]) -> Iterator[str]:
    if text and dependencies(text) is None:
        yield f"--dependency: '{text}' is not a list of after, afterok, afterany or afternotok with ids: write afterok:1234"


MAIL = {"BEGIN": "b", "END": "e", "FAIL": "a"}


def mail(text: str) -> Optional[List[str]]:
    """The events of ``--mail-type``: BEGIN, END, FAIL; ALL is all three, NONE none. None for others, which are Slurm's own."""
    words = text.upper().split(",")
    if words == ["NONE"]:
        return []
    if not set(words) <= {*MAIL, "ALL"}:
        return None
    return list(MAIL) if "ALL" in words else [name for name in MAIL if name in words]


def mail_fault(text: Optional[str], scheduler: str) -> Iterator[str]:
    if text and mail(text) is None:
        yield f"--mail-type: '{text}' is more than {scheduler} tells of: write BEGIN, END, FAIL, ALL or NONE"


def exported(text: str) -> Tuple[bool, Tuple[str, ...]]:
    """Of ``--export``: whether all variables are passed on, and which by name (with ``=value`` or without)."""
    words = text.split(",")
    return "ALL" in words, tuple(word for word in words if word not in ("ALL", "NONE", "NIL"))


def pattern(text: str, known: Mapping[str, str]) -> Optional[str]:
    """A file name of sbatch's with its ``%j`` spelled as this scheduler spells it, or None where it has no such word."""
    parts = re.split(r"%(\d*[A-Za-z%])", text)
    spelled = [part if i % 2 == 0 else "%" if part == "%" else known.get(part[-1]) for i, part in enumerate(parts)]
    return None if any(part is None for part in spelled) else "".join(map(str, spelled))


def file_faults(job: Job, scheduler: str, known: Mapping[str, str], instead: str) -> Iterator[str]:
    """Refusals of --output and --error: patterns that are not `known`, and characters that a directive cannot hold."""
    for name in ("output", "error"):
        text = getattr(job, name)
        if text is None:
            continue
        if pattern(text, known) is None:
            words = ", ".join(f"%{key}" for key in known) or "none"
            yield f"--{name} {text}: {scheduler} knows {words} of sbatch's patterns: {instead}"
        if text.startswith("~"):
            yield f"--{name}: {scheduler} does not expand '~': write the path out"
        elif not re.fullmatch(r"[^\s'\"\\$`#&|;<>()*?]+", text):
            yield f"--{name}: {scheduler} takes no blanks or shell characters in a path: '{text}' has some"


def name_fault(job: Job, scheduler: str, form: str, words: str, most: int) -> Iterator[str]:
    """A name that the scheduler would refuse or cut."""
    if not re.fullmatch(form, job.name):
        yield f"--job-name: '{job.name}' is no name for {scheduler}: {words}"
    elif len(job.name) > most:
        yield f"--job-name: {scheduler} takes {most} characters: '{job.name[:most]}'"


def resource_faults(job: Job, required: Iterable[str], written: Iterable[Optional[str]]) -> Iterator[str]:
    """Resources of the whole job that the site `required` and nobody named, or that the script has `written` already."""
    asked = dict(job.resources)
    for name in required:
        if name not in asked:
            yield f"--resource: every job here must name {name}: give --resource {name}=VALUE"
    for name in asked:
        if name in written:
            yield f"--resource {name}: the script has this already: ask for it by the option of hpcgen"


def twice(job: Job, option_of: str, written: Iterable[str]) -> Iterator[str]:
    """Refusals of --directive: no option of this scheduler, or one that the script has already."""
    known = {line.split("=")[0].strip() for line in written}
    for directive in job.directives:
        if re.match(r"-[A-Za-z]", directive) is None and not directive.startswith("--"):
            yield f"--directive '{directive}': this is none of {option_of}'s options"
        elif directive.split("=")[0].strip() in known:
            yield f"--directive '{directive}': the script has this already: ask for it by the option of hpcgen"


def amount(mib: Optional[int], suffix: str = "") -> Optional[str]:
    """``3gb`` or ``1536mb`` with the suffix ``b``; 0 and None are no amount."""
    return size(mib).lower() + suffix if mib else None


def given(spell: Callable[[Any], Optional[str]]) -> Callable[[Any], Optional[str]]:
    """A filter that leaves None alone, so that its directive is left out."""
    return lambda value: None if value is None else spell(value)


def yes_or_no(on: bool) -> str:
    return "y" if on else "n"


# --- submission


def last_line(answer: str) -> str:
    """The last line that a submit command printed: the id stands there, after what the site's own scripts may have said."""
    return answer.strip().rpartition("\n")[2]
