"""Rules that every profile must follow."""

from __future__ import annotations

import re
from typing import Iterator, List, Union

from hpcgen import schedulers
from hpcgen.base import toml
from hpcgen.base.errors import among
from hpcgen.base.shell import OWN
from hpcgen.launch import mpis
from hpcgen.launch.launchers import LAUNCHERS
from hpcgen.model.job import Component
from hpcgen.profiles.facts import Limits, Partition
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request


def faults(site: Site) -> Iterator[str]:
    """One sentence for each fault in the profile."""
    for rule in (_citations, _unknown, _incomplete, _mpi, _shell_texts, _wrapper, _amounts, _charges, _partitions):
        yield from rule(site)


def _incomplete(site: Site) -> Iterator[str]:
    """Facts that need another fact."""
    if site.status == "retired" and not (site.successor or site.status_note):
        yield "status: the site is retired: name its 'successor', or explain in 'status_note'"
    if site.container.build_where and not site.container.build:
        yield "container.build_where: it needs 'build': fakeroot, root or remote"
    if site.network.fallback and not site.network.interface:
        yield "network.fallback: it needs 'interface'"
    if site.login.jump and not site.login.host:
        yield "login.jump: it needs 'host'"


def _mpi(site: Site) -> Iterator[str]:
    """Whether the MPI supports the PMI."""
    facts = site.mpi
    flavour = mpis.get(facts.flavour)
    if facts.flavour and facts.pmi and not mpis.joins(flavour, facts.pmi):
        yield f"mpi.pmi: {facts.flavour} does not start with --mpi={facts.pmi}: use {' or '.join(flavour.pmis)}"
    if facts.pmi_library and not flavour.takes_library:
        yield f"mpi.pmi_library: {flavour.library} has its own PMIx and uses no PMI library: remove the key"
    if facts.pmi_library and not facts.pmi_library.startswith("/"):
        yield f"mpi.pmi_library: '{facts.pmi_library}' is not an absolute path"


def _shell_texts(site: Site) -> Iterator[str]:
    """Texts that scripts pass to a shell unchanged."""
    if not re.fullmatch(r"(?:[\w./:+-]|\$[A-Za-z_]\w*)*", site.container.library_path or "", re.ASCII):
        yield f"container.library_path: '{site.container.library_path}' must be folders and $VARIABLES separated by ':'"
    if not re.fullmatch(r"/[\w./-]*/bash( -[A-Za-z]+)?", site.shell.shebang):
        yield f"shell.shebang: '{site.shell.shebang}' is not the path of bash with at most one option"


def _wrapper(site: Site) -> Iterator[str]:
    """The site's container commands must be names or paths, not builtins of bash. The wrapper's variables come in pairs."""
    facts = site.container
    for key in ("wrapper", "bind_command"):
        command = getattr(facts, key)
        if command and (command in OWN or not re.fullmatch(r"[\w./][\w./+-]*", command, re.ASCII)):
            yield f"container.{key}: '{command}' is not the name or the path of a command"
    if bool(facts.wrapper_image) != bool(facts.wrapper_flags):
        yield "container.wrapper_image, wrapper_flags: give both or neither"
    if facts.wrapper_image and not facts.wrapper:
        yield "container.wrapper_image: it needs 'wrapper'"


def _amounts(site: Site) -> Iterator[str]:
    """Less than 1 GiB of memory is a mistake: a number without a unit means MiB, as for sbatch."""
    known = [(f"nodes.{name}.mem", node.mem) for name, node in site.nodes.items()]
    known += [(f"partitions.{name}.max_mem", partition.max_mem) for name, partition in site.partitions.items()]
    for place, mib in known:
        if mib and mib < 1024:
            yield f"{place}: {int(mib)} MiB is too little for a node: write {int(mib)}G for GiB"


def _partitions(site: Site) -> Iterator[str]:
    for name, partition in site.partitions.items():
        for kind in partition.nodes:
            if kind not in site.nodes:
                yield f"partitions.{name}.nodes: no [nodes.{kind}]{among(kind, list(site.nodes))}"
        yield from (f"partitions.{name}.bins: {fault}" for fault in _bins(partition))
    yield from (f"limits.bins: {fault}" for fault in _bins(site.limits))
    if sum(partition.default for partition in site.partitions.values()) > 1:
        yield "partitions: more than one has default = true"


def _bins(place: Union[Partition, Limits]) -> Iterator[str]:
    """Bins are read in order, so each must be larger than the one before."""
    for i, bin_ in enumerate(place.bins):
        if not (bin_.cpus or bin_.nodes or bin_.gpus):
            yield f"{i}: no size: give 'cpus', 'nodes' or 'gpus'"
        if place.max_time is not None and bin_.max_time > place.max_time:
            yield f"{i}: its time is longer than max_time"
        before = place.bins[i - 1] if i else None
        if before and all((getattr(bin_, key) or 0) <= (getattr(before, key) or 0) for key in ("cpus", "nodes", "gpus")):
            yield f"{i}: it is not larger than the one before"


def _charges(site: Site) -> Iterator[str]:
    """Rates that cannot be used."""
    models = {str(node.gpu).lower() for node in site.nodes.values()}
    places = {"charge.rates": site.charge.rates}
    places.update({f"partitions.{name}.charge": partition.charge for name, partition in site.partitions.items()})
    for place, rates in places.items():
        given = [key for key in ("cpu", "mem", "gpu", "gpus", "node") if getattr(rates, key) not in (None, {})]
        if given and not site.charge.unit:
            yield f"{place}: the rate has no unit: give [charge] a 'unit'"
        if rates.mem_per_cpu and rates.cpu is None:
            yield f"{place}.mem_per_cpu: it counts memory as CPUs and needs the rate 'cpu'"
        if rates.basis == "share" and (given != ["node"]):
            yield f"{place}.basis: a share of a node takes only the rate 'node'"
        for model in rates.gpus:
            if model.lower() not in models:
                yield f"{place}.gpus: no node has the GPU '{model}'{among(model, sorted(models - {'none'}))}"


def _unknown(site: Site) -> Iterator[str]:
    """Names that other modules must know."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", site.id):
        yield f"{site.id!r} is not a valid name for a site: use letters, digits and ._- only"
    if not site.sources:
        yield "sources: a profile needs at least one source: add [sources.NAME]"
    if site.scheduler.type not in schedulers.names():
        yield f"scheduler.type: unknown scheduler '{site.scheduler.type}'{among(site.scheduler.type, schedulers.names())}"
    if site.mpi.launcher not in LAUNCHERS:
        yield f"mpi.launcher: unknown launcher '{site.mpi.launcher}'{among(site.mpi.launcher, list(LAUNCHERS))}"
    optional = [field.name.replace("_", "-") for field in toml.fields(Component) if field.default is None]
    known = ["memory", *(name for name in optional if name != "partition" and not name.endswith("-mib"))]
    for name in site.scheduler.omit:
        if name not in known:
            yield f"scheduler.omit: unknown directive '{name}'{among(name, known)}"
    problems: List[str] = []
    toml.fill(Request, site.defaults, "defaults", problems)
    yield from problems
    apart = [key for key in ("site", "program", "args") if key in site.defaults]
    yield from (f"defaults.{key}: a profile cannot set this: remove it" for key in apart)


def _citations(site: Site) -> Iterator[str]:
    places = {site.scheduler.type if name == "dialect" else name: getattr(site, name) for name in site.__struct_fields__}
    for group in ("nodes", "partitions"):
        places.update({f"{group}.{name}": table for name, table in getattr(site, group).items()})
    places.update({f"notes.{i}": note for i, note in enumerate(site.notes)})
    for place, table in places.items():
        for key, cited in getattr(table, "sources", {}).items() if place != "sources" else ():
            if key not in table.__struct_fields__:
                yield f"{place}.sources: unknown key '{key}'{among(key, table.__struct_fields__)}"
            if cited not in site.sources:
                yield f"{place}.sources: no [sources.{cited}]{among(cited, list(site.sources))}"
        cited = getattr(table, "source", None)
        if cited is not None and cited not in site.sources:
            yield f"{place}.source: no [sources.{cited}]{among(cited, list(site.sources))}"
    for name, source in site.sources.items():
        if (source.date is None) == (source.read is None):
            yield f"sources.{name}: give either 'date' (of the source) or, if it has none, 'read' (the day you read it)"
    for place, table in places.items():
        unsourced = set(getattr(table, "stated", list)()) - set(getattr(table, "sources", ()))
        if unsourced and table.source is None:
            yield f"{place}: no 'source' for {', '.join(sorted(unsourced))}"
