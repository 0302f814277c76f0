"""Code that the scheduler modules share: common refusals, and filters for templates."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Type, TypeVar

import msgspec

from hpcgen.base import kinds
from hpcgen.base.kinds import option
from hpcgen.base.toml import Table
from hpcgen.base.units import counted, size
from hpcgen.model.forms import array, dependencies, mail, pattern
from hpcgen.model.job import Component, Job
from hpcgen.model.layout import tasks_by_node, typed

Says = TypeVar("Says", bound=Table)


def read(kind: Type[Says], dialect: Any) -> Says:
    """The profile's table for the scheduler: the table itself, or made again from the copy in a job."""
    return dialect if isinstance(dialect, kind) else msgspec.convert(dialect, kind, dec_hook=kinds.parse)


def layout_faults(c: Component) -> Iterator[str]:
    """Refusals of tasks and resources that cannot be divided over nodes, for schedulers that need the amounts per node."""
    parts = tasks_by_node(c)
    if c.nodes and c.nodes > c.ntasks:
        yield too_many_nodes(c)
    elif c.nodes and c.ntasks_per_node and c.ntasks > (most := c.nodes * c.ntasks_per_node):
        yield too_many_tasks(c, most)
    unknown = f"the number of nodes for {counted(c.ntasks, 'task')} ({c.role}) is unknown: give --nodes as well, or use"
    if parts is None and c.mem_mib is not None:
        yield f"{'--exclusive' if c.exclusive else '--mem'}: {unknown} --mem-per-cpu"
    if c.gpus and c.gpus.per == "node" and parts is None:
        yield f"--gpus-per-node: {unknown} --gpus-per-task"
    if c.gpus and c.gpus.per == "job" and c.gpus.count % (places := len(parts) if parts else c.ntasks):
        what = f"{places} {'nodes' if parts else 'tasks'} do not divide {counted(c.gpus.count, 'GPU')}"
        yield f"--gpus {c.gpus.count}: {what}: use --gpus-per-task, or --gpus-per-node with --nodes"
    if c.mem_per_gpu_mib and not c.gpus:
        yield NO_GPUS
    if c.gpus and c.gpus.style == "gres":
        yield "--gres gpu: only Slurm takes this: use --gpus or --gpus-per-node"


NO_GPUS = "--mem-per-gpu: the job asks for no GPUs: use --mem or --mem-per-cpu"


def too_many_nodes(c: Component) -> str:
    most = f"{counted(c.ntasks, 'task')} ({c.role}) cannot use more than {counted(c.ntasks, 'node')}"
    return f"{typed(c, 'nodes')}: {most}: use --nodes {c.ntasks}"


def too_many_tasks(c: Component, most: int) -> str:
    """For tasks that do not fit on the nodes that were asked for."""
    hold = f"{counted(c.nodes or 1, 'node')} with {c.ntasks_per_node} per node ({c.role}) hold only {most}"
    return f"{typed(c, 'ntasks')}: {counted(c.ntasks, 'task')} do not fit: {hold}: ask for more nodes"


def nodelist_fault(c: Component, scheduler: str) -> Iterator[str]:
    """A list of hosts for the scheduler to choose from: it means the same as for sbatch only if it has one host per node."""
    if c.nodelist and len(c.nodelist.split(",")) != (c.nodes or 1):
        hosts = "a list of hosts to choose from"
        yield f"--nodelist {c.nodelist}: {scheduler} takes this as {hosts}: name as many hosts as --nodes"


# --- options of the whole job


def option_of(field: str) -> str:
    """The option behind this field of a job or of a component, where memory is in MiB: ``--tmp`` for ``tmp_mib``."""
    return option(field.replace("_mib", ""))


# How tasks share cores; only Slurm has these options.
CORES = dict.fromkeys(("hint", "ntasks_per_core", "threads_per_core"), "use --cpus-per-task, and leave it out")


def cannot(job: Job, scheduler: str, instead: Mapping[str, str]) -> Iterator[str]:
    """A refusal for each requested option that this scheduler lacks, with what to do instead."""
    for name, advice in instead.items():
        asked = [getattr(part, name, None) for part in (job, *job.components)]
        if any(value is not None for value in asked):
            yield f"{option_of(name)}: {scheduler} has no such option: {advice}"


def array_fault(text: Optional[str]) -> Iterator[str]:
    """A range that contains no index: every scheduler refuses it."""
    for part in array(text).ranges if text else ():
        if not part.jobs:
            low, high = sorted((part.first, part.last))
            yield f"--array {text}: one of its ranges is empty: write {low}-{high}"


def dependency_fault(text: Optional[str]) -> Iterator[str]:
    if text and dependencies(text) is None:
        yield f"--dependency {text}: this is not a list of after, afterok, afterany or afternotok with ids: write afterok:1234"


def mail_fault(text: Optional[str], scheduler: str) -> Iterator[str]:
    if text and mail(text) is None:
        yield f"--mail-type {text}: {scheduler} does not report all of these events: write BEGIN, END, FAIL, ALL or NONE"


def file_faults(job: Job, scheduler: str, known: Mapping[str, str], instead: str) -> Iterator[str]:
    """Refusals of --output and --error: patterns that are not `known`, and characters that a directive cannot contain."""
    for name in ("output", "error"):
        text = getattr(job, name)
        if text is None:
            continue
        if pattern(text, known) is None:
            words = f"only {', '.join(f'%{key}' for key in known)}" if known else "none"
            yield f"--{name} {text}: {scheduler} has {words} of sbatch's patterns: {instead}"
        yield from home_fault(job, name, scheduler)
        if not text.startswith("~") and not re.fullmatch(r"[^\s'\"\\$`#&|;<>()*?]+", text):
            yield f"--{name} {text}: {scheduler} takes no spaces or shell characters in a path: use another path"


def home_fault(job: Job, name: str, scheduler: str) -> Iterator[str]:
    """A path that begins with '~', for schedulers that take it as a folder of this name."""
    if (getattr(job, name) or "").startswith("~"):
        yield f"--{name} {getattr(job, name)}: {scheduler} does not expand '~': write the full path"


def chdir_fault(job: Job, scheduler: str) -> Iterator[str]:
    """A folder that a directive without quoting cannot contain."""
    if job.chdir and not re.fullmatch(r"[^\s'\"\\$`]+", job.chdir):
        yield f"--chdir {job.chdir}: {scheduler} takes no spaces, quotes or $ in a path: use another path"
    yield from home_fault(job, "chdir", scheduler)


def name_fault(job: Job, scheduler: str, form: str, words: str, most: int) -> Iterator[str]:
    """A job name that the scheduler would refuse or cut off."""
    if not re.fullmatch(form, job.name):
        yield f"--job-name {job.name}: not a valid name for {scheduler}: use {words}"
    elif len(job.name) > most:
        yield f"--job-name {job.name[:20]}…: {scheduler} takes at most {most} characters: use {job.name[:most]}"


def resource_faults(job: Job, required: Iterable[str], written: Iterable[Optional[str]]) -> Iterator[str]:
    """Job-wide resources that are `required` by the site but missing, or that are `written` by the script already."""
    asked = dict(job.resources)
    for name in required:
        if name not in asked:
            yield f"--resource {name}: every job at this site must set it: give --resource {name}=VALUE"
    for name in asked:
        if name in written:
            yield f"--resource {name}: the script sets this already: use hpcgen's own option for it"


def twice(job: Job, option_of: str, written: Iterable[str]) -> Iterator[str]:
    """Refusals of --directive: not an option of this scheduler, or one that the script has already."""
    known = {line.split("=")[0].strip() for line in written}
    for directive in job.directives:
        if re.match(r"-[A-Za-z]", directive) is None and not directive.startswith("--"):
            yield f"--directive '{directive}': this is not an option of {option_of}: write it as in '-X VALUE'"
        elif directive.split("=")[0].strip() in known:
            yield f"--directive '{directive}': the script has this already: use hpcgen's own option for it"


def amount(mib: Optional[int], suffix: str = "") -> Optional[str]:
    """``3gb`` or ``1536mb`` with the suffix ``b``; None for 0 and None."""
    return size(mib).lower() + suffix if mib else None


def given(spell: Callable[[Any], Optional[str]]) -> Callable[[Any], Optional[str]]:
    """A filter that passes None through, so that the directive is left out."""
    return lambda value: None if value is None else spell(value)


def yes_or_no(on: bool) -> str:
    return "y" if on else "n"

