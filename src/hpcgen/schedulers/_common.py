"""What the modules of schedulers share: refusals of what few of them can say, and filters for templates."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Type, TypeVar

import msgspec

from hpcgen.base import kinds
from hpcgen.base.kinds import option
from hpcgen.base.toml import Table
from hpcgen.base.units import size
from hpcgen.model.forms import array, dependencies, mail, pattern
from hpcgen.model.job import Component, Job
from hpcgen.model.layout import tasks_by_node

Says = TypeVar("Says", bound=Table)


def read(kind: Type[Says], dialect: Any) -> Says:
    """The profile's table of the scheduler: itself, or again from what a job carries of it."""
    return dialect if isinstance(dialect, kind) else msgspec.convert(dialect, kind, dec_hook=kinds.parse)


def layout_faults(c: Component) -> Iterator[str]:
    """Refusals of what cannot be dealt out to nodes, for schedulers that must be told what each node gets."""
    parts = tasks_by_node(c)
    if c.nodes and c.nodes > c.ntasks:
        yield f"--nodes {c.nodes}: {c.ntasks} tasks ({c.role}) fit on no more nodes than {c.ntasks}"
    elif c.nodes and c.ntasks_per_node and c.ntasks > (most := c.nodes * c.ntasks_per_node):
        yield f"--ntasks {c.ntasks}: {c.nodes} nodes of {c.ntasks_per_node} tasks ({c.role}) hold {most}: ask for more nodes"
    unknown = f"of how many nodes, for {c.ntasks} tasks ({c.role})? Give --nodes too, or"
    if parts is None and c.mem_mib is not None:
        yield f"{'--exclusive' if c.exclusive else '--mem'}: {unknown} --mem-per-cpu"
    if c.gpus and c.gpus.per == "node" and parts is None:
        yield f"--gpus-per-node: {unknown} --gpus-per-task"
    if c.gpus and c.gpus.per == "job" and c.gpus.count % (places := len(parts) if parts else c.ntasks):
        what = f"{places} {'nodes' if parts else 'tasks'} get no equal share"
        yield f"--gpus {c.gpus.count}: {what}: give --gpus-per-task, or --gpus-per-node with --nodes"
    if c.mem_per_gpu_mib and not c.gpus:
        yield "--mem-per-gpu: no GPUs were asked for: use --mem or --mem-per-cpu"
    if c.gpus and c.gpus.style == "gres":
        yield "--gres gpu: Slurm's way to ask for GPUs: use --gpus or --gpus-per-node"


def nodelist_fault(c: Component, scheduler: str) -> Iterator[str]:
    """Hosts among which the scheduler would choose: they are sbatch's only where there are as many as nodes."""
    if c.nodelist and len(c.nodelist.split(",")) != (c.nodes or 1):
        hosts = "hosts that a job may have, not those it must"
        yield f"--nodelist {c.nodelist}: {scheduler} takes {hosts}: name as many as --nodes"


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


def array_fault(text: Optional[str]) -> Iterator[str]:
    """A range without an index, which every scheduler refuses."""
    for part in array(text).ranges if text else ():
        if not part.jobs:
            low, high = sorted((part.first, part.last))
            yield f"--array {text}: a range of it has no index: write {low}-{high}"


def dependency_fault(text: Optional[str]) -> Iterator[str]:
    if text and dependencies(text) is None:
        yield f"--dependency: '{text}' is not a list of after, afterok, afterany or afternotok with ids: write afterok:1234"


def mail_fault(text: Optional[str], scheduler: str) -> Iterator[str]:
    if text and mail(text) is None:
        yield f"--mail-type: '{text}' is more than {scheduler} tells of: write BEGIN, END, FAIL, ALL or NONE"


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

