"""PBS Pro and OpenPBS: `#PBS` directives with select and place.

Sources: OpenPBS qsub(1B), 2022, and pbs_resources(7B), 2018; see pbs_options and pbs_resources. Stricter than qsub where the
later of two options would silently win (each is taken once), and where a directive comes after the first command.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, Mapping, Optional, Tuple

from . import pbs_options as options
from . import pbs_resources as kinds
from .pbs_options import Draft, Reader, refuse
from .pbs_resources import Kind
from .reading import Bad, at, matched
from .request import Array, Component, Refused, Request


def keep(draft: Draft, value: str) -> None:
    """n, or some of o and e, with d where the files are written directly."""
    if value != "n" and not (set(matched("[oed]+", value, "n or some of o, e, d")[0]) & set("oe")):
        raise Bad(f"-k {value}: of which stream? o, e or both")
    draft.extra["-k"] = value


KNOWN = {
    "block": "(?i:true|false)",
    "create_resv_from_job": "(?i:true|false|1|0)",
    "group_list": r"[\w.-]+(?:@[\w.-]+)?(?:,[\w.-]+@[\w.-]+)*",
    "max_run_subjobs": "[1-9][0-9]*",
    "release_nodes_on_stageout": "(?i:true|false)",
    "run_count": "[0-9]+",
    "sandbox": "PRIVATE|HOME|O_WORKDIR",
    "stagein": r"[^@]+@[^:]+:.+",
    "stageout": r"[^@]+@[^:]+:.+",
    "tolerate_node_failures": "all|job_start|none",
    "umask": "[0-7]{1,4}",
}
DEPENDENCIES = "after|afterok|afternotok|afterany|before|beforeok|beforenotok|beforeany|runone"

READERS: Dict[str, Reader] = {
    **options.COMMON,
    "c": options.other("c", r"[cw](?:=[1-9][0-9]*)?|[nsu]", "c, c=minutes, w, w=minutes, n, s or u"),
    "f": options.other("f", "", "without a value"),
    "J": options.array,
    "k": keep,
    "m": options.mail("abej"),
    "N": options.name(r"[A-Za-z0-9][A-Za-z0-9+_.-]*", 230, "letters, digits, + - _ and ., a letter or digit first"),
    "P": options.project,
    "R": options.other("R", "o|e|oe|eo", "some of o and e"),
    "W": options.attributes(KNOWN, DEPENDENCIES),
}
BARE = "fhIVX"
VARIABLES_IN = "vW"


def gather(text: str) -> Draft:
    """The draft of a script, with what holds between options: qsub.c, process_opts."""
    draft = options.gather(text, READERS, BARE, VARIABLES_IN)
    request = draft.request()
    if isinstance(draft.fields.get("array"), Array):
        if request.rerun is False:
            raise Refused(0, "an array with -r n: arrays can always run again")
        if "-I" in request.extra:
            raise Refused(0, "an interactive array")
    elif request.mail.events and "each" in request.mail.events:
        raise Refused(0, "-m with j, and no array")
    return draft


def parse(text: str, resources: Optional[Mapping[str, str]] = None) -> Request:
    """The request of a script. `resources` are the site's own: name → "chunk" or "job". Raises Refused."""
    chunk, job = levels(resources or {})
    draft = gather(text)
    for name, said in draft.resources.items():
        known = name in chunk or name in job or name in ("select", "place", "nodes")
        if name in kinds.READ_ONLY or not known:
            own = "" if known else "; is it this site's own?"
            raise Refused(said.line, f"{name}: no resource that can be asked for{own}")
        if said.value is None:
            raise Refused(said.line, f"{name} needs a value")
    given = {name: said.value or "" for name, said in draft.resources.items()}
    components = allocated(draft, given, chunk)
    for name in set(given) & set(job):
        with at(draft.resources[name].line):
            read = job[name](given[name])
        if name == "walltime":
            draft.set("walltime", read)
        else:
            draft.extra[name] = given[name]
    return draft.request(components=components)


def levels(own: Mapping[str, str]) -> Tuple[Dict[str, Kind], Dict[str, Kind]]:
    """The kinds of resources in chunks, and of those for the whole job."""
    chunk = {**kinds.CHUNK, **{name: kinds.text for name, level in own.items() if level == "chunk" and name not in kinds.CHUNK}}
    job = {**kinds.JOB, **{name: kinds.text for name, level in own.items() if level == "job" and name not in kinds.JOB}}
    return chunk, job


def allocated(draft: Draft, given: Mapping[str, str], chunk: Mapping[str, Kind]) -> Tuple[Component, ...]:
    """The chunks of select, or of the old syntax, which does not mix with it."""
    old = {name: value for name, value in given.items() if name in chunk or name == "nodes"}
    for name in old:
        if "select" in given:
            raise refuse(draft, name, f"{name} outside of select, beside it: one or the other")
    if "select" in given:
        if "place" in given:
            with at(draft.resources["place"].line):
                kinds.place(given["place"])
            draft.extra["place"] = given["place"]
        with at(draft.resources["select"].line):
            return kinds.select(given["select"], chunk)
    if "place" in given:
        raise refuse(draft, "place", "place without select")
    if "nodes" in old:
        with at(draft.resources["nodes"].line):
            return _on_nodes(kinds.nodes(old.pop("nodes")), kinds.chunk(1, old, chunk))
    for name in old:
        with at(draft.resources[name].line):
            kinds.chunk(1, {name: old[name]}, chunk)
    return (kinds.chunk(1, old, chunk),) if old else ()


def _on_nodes(parts: Tuple[Component, ...], whole: Component) -> Tuple[Component, ...]:
    """Job-wide amounts beside nodes= are divided among its chunks (pbs_resources(7B), Backward Compatibility)."""
    number = sum(part.count for part in parts)
    if whole.cpus is not None:
        if whole.cpus % number:
            raise Bad(f"ncpus={whole.cpus} cannot be divided among {number} chunks")
        parts = tuple(dataclasses.replace(part, cpus=whole.cpus // number) for part in parts)
    if whole.mem_mib is not None:
        share = kinds.size(f"{int(whole.mem_mib * 1024**2) // number}")
        parts = tuple(dataclasses.replace(part, mem_mib=share) for part in parts)
    return parts
