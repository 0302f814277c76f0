"""GPUs as the site counts them: by job, node or task, with or without their type."""

from __future__ import annotations

import re
from typing import Iterator, Optional, Tuple

import msgspec

from hpcgen.base.units import counted
from hpcgen.model.job import Asked, Component, Gpus, Origins, Per
from hpcgen.model.layout import holds, tasks_by_node
from hpcgen.planning.case import cited
from hpcgen.profiles.site import Site
from hpcgen.request.fields import GpusAsked, Request, gpus_asked
from hpcgen.workloads import HEAD, SMALL

replace = msgspec.structs.replace
# The key in a component's origins for the GPU type, if it differs from the request; `origins` combines both.
TYPE = "gpu_type"


def asked(site: Site, request: Request, c: Component) -> Component:
    """GPUs counted as the site counts them, if that means the same; the small component of a heterogeneous job has none."""
    found = gpus_asked(request)
    if found is None or c.role in (SMALL, HEAD):
        return c
    c = replace(c, asked={**c.asked, "gpus": Asked(found.name)})
    if found.name == "gres":
        return replace(c, gpus=Gpus(found.number, "node", found.type, "gres"))
    kind, origins = _as_there(site, found.type)
    c = replace(c, origins={**c.origins, **origins})
    nodes = c.nodes or (1 if c.ntasks == 1 else None)
    chosen = None if nodes else _chosen_nodes(site, c, found)
    if chosen:
        c = replace(c, nodes=chosen, origins={**c.origins, "nodes": site.cite("scheduler", "gpu_request")})
    number, per = _counted(site, c, found, nodes or chosen)
    gpus = Gpus(number, per, kind, site.scheduler.gpu_request if per == "node" else "gpus", chose_nodes=chosen is not None)
    if gpus.style != "gres":
        return replace(c, gpus=gpus)
    words = ":".join(filter(None, ("gpu", kind, str(number))))
    return replace(c, gpus=gpus, gres=",".join(filter(None, (words, c.gres))))


def _chosen_nodes(site: Site, c: Component, found: GpusAsked) -> Optional[int]:
    """The number of nodes needed for the GPUs of the whole job, if the site counts GPUs by node."""
    if site.scheduler.gpu_request != "gres" or found.per != "job" or c.nodelist:
        return None
    return _nodes(site, c, found.number)


def _counted(site: Site, c: Component, found: GpusAsked, nodes: Optional[int]) -> Tuple[int, Per]:
    """How many GPUs, and per what: by node, if the site or one task per node requires it and the number of nodes is known."""
    by_node = site.scheduler.gpu_request != "gpus" or (c.ntasks_per_node == 1 and c.ntasks > 1)
    if by_node and found.per == "job" and nodes and found.number % nodes == 0:
        return found.number // nodes, "node"
    return found.number, found.per


def _as_there(site: Site, kind: Optional[str]) -> Tuple[Optional[str], Origins]:
    """The GPU type in the site's own case, with the origin of the spelling if it differs: Slurm does not find GH200 if Type is
    gh200. Source: runs of 22.05.8. The text of --gres is kept as it was written."""
    alike = {node.gpu: name for name, node in site.nodes.items() if node.gpu and kind and node.gpu.lower() == kind.lower()}
    if not alike or kind in alike:
        return kind, {}
    own, name = next(iter(alike.items()))
    return own, {TYPE: site.cite("nodes", name, "gpu")}


def _nodes(site: Site, c: Component, number: int) -> Optional[int]:
    """The smallest number of nodes that have this number of GPUs, the same number on each, and room for the tasks."""
    known = tasks_by_node(c)
    for nodes in [len(known)] if known else range(1, min(number, c.ntasks) + 1):
        if number % nodes == 0:
            part = replace(c, nodes=nodes, gpus=Gpus(number // nodes, "node"))
            if any(node.gpus and holds(site.offer(node, part), part) for node in site.nodes.values()):
                return nodes
    return None


def typed(site: Site, c: Component, partition: Optional[str]) -> Component:
    """The component with the type that all GPUs of the partition have, if the site wants a type and the user gave none."""
    models = _models(site, partition)
    if not site.scheduler.gpu_types or c.gpus is None or c.gpus.type or len(models) != 1:
        return c
    gres, origins = c.gres, {**c.origins, TYPE: site.cite("scheduler", "gpu_types")}
    if gres and c.gpus.style == "gres":
        words = f"gpu:{models[0]}:{c.gpus.count}"
        gres = ",".join(words if re.fullmatch(r"(gres:)?gpu(:\d+)?", item) else item for item in gres.split(","))
    return replace(c, gpus=replace(c.gpus, type=models[0]), gres=gres, origins=origins)


def _models(site: Site, partition: Optional[str]) -> Tuple[str, ...]:
    """The GPU types of the partition, or of all nodes if the scheduler chooses; empty if the type of a node is unknown."""
    found = {node.gpu for node in site.kinds(partition).values() if node.gpus}
    return () if None in found else tuple(sorted(filter(None, found)))


def notes(site: Site, c: Component, partition: Optional[str]) -> Iterator[str]:
    """Notes on how a component's GPUs are requested."""
    if c.gpus is None:
        return
    count = c.gpus.count
    if c.nodes and c.gpus.chose_nodes:
        on = "one node" if c.nodes == 1 else f"{c.nodes} nodes, {count} on each"
        yield f"{counted(count * c.nodes, 'GPU')} on {on}, because {site.id} counts GPUs by node: set --nodes to change this"
    elif site.scheduler.gpu_request == "gres" and c.gpus.style != "gres":
        option = {"job": "--gpus", "node": "--gpus-per-node", "task": "--gpus-per-task"}[c.gpus.per]
        way = f"--gres=gpu:NUMBER {cited(site.cite('scheduler', 'gpu_request'))}"
        yield f"{option}: {site.id} counts GPUs by node, with {way}: to request them so, use --gpus-per-node with --nodes"
    models = _models(site, partition)
    if site.scheduler.gpu_types and not c.gpus.type and len(models) > 1:
        where = f"partition {partition}" if partition else site.id
        yield f"{where} has {', '.join(models)} GPUs, and the job may get any: to choose, use --gpus {models[0]}:{count}"
