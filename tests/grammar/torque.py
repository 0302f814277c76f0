"""Torque: `#PBS` directives with nodes and ppn.

Sources: Torque qsub(1B) of 2.4.16 (manpages.ubuntu.com); Torque 4.1.4, Requesting resources (docs.adaptivecomputing.com);
and Moab's extensions of -l, which most Torque sites have: feature, gres, partition, qos, naccesspolicy, advres.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, Mapping, Optional, Tuple

from . import pbs_options as options
from .pbs_options import Draft, Reader, refuse
from .pbs_resources import Kind, boolean, count, size, text
from .reading import Bad, at, clock, matched, steps, whole
from .request import Amount, Array, Component, Refused, Request

JOB: Dict[str, Kind] = {
    "arch": text, "cput": clock, "epilogue": text, "file": size, "host": text, "mem": size, "ncpus": count, "nice": text,
    "opsys": text,
    "other": text, "pcput": clock, "pmem": size, "procs": count, "prologue": text, "pvmem": size, "size": count,
    "software": text, "vmem": size, "walltime": clock,
    "advres": text, "feature": text, "gres": text, "naccesspolicy": text, "partition": text, "qos": text,
}  # fmt: skip
KNOWN = {
    "group_list": r"[\w.-]+(?:@[\w.-]+)?(?:,[\w.-]+@[\w.-]+)*",
    "interactive": "true|false",
    "job_radix": "[0-9]+",
    "stagein": r"[^@]+@[^:]+:.+",
    "stageout": r"[^@]+@[^:]+:.+",
    "umask": "[0-7]{1,4}",
    "x": ".+",
}
DEPENDENCIES = (
    "after|afterok|afternotok|afterany|before|beforeok|beforenotok|beforeany|syncwith"
    "|afterstartarray|afterokarray|afternotokarray|afteranyarray|beforestartarray|beforeokarray|beforenotokarray|beforeanyarray"
)


def array(draft: Draft, value: str) -> None:
    """Indices and ranges between commas, and a slot limit: 1-100,150%5."""
    match = matched(r"([0-9,-]+)(?:%([0-9]+))?", value, "N or N-M, between commas, [%limit]")
    if match[2] and int(match[2]) == 0:
        raise Bad(f"-t {value}: none of it may run")
    ranges = tuple(steps(part, "N or N-M") for part in match[1].split(","))
    found = Array(ranges, int(match[2]) if match[2] else None)
    if len(set(found.indices)) < len(found.indices):
        raise Bad(f"-t {value}: an index twice")
    draft.set("array", found)


def keep(draft: Draft, value: str) -> None:
    draft.extra["-k"] = matched("e|o|eo|oe|n", value, "e, o, eo, oe or n")[0]


READERS: Dict[str, Reader] = {
    **options.COMMON,
    "b": options.other("b", "[0-9]+", "seconds"),
    "c": options.other("c", r"\S+", "checkpoint options"),
    "d": options.string("workdir"),
    "D": options.other("D", r"\S+", "a root directory"),
    "f": options.other("f", "", "without a value"),
    "k": keep,
    "m": options.mail("abef"),
    "N": options.name(r"[A-Za-z][!-~]*", 15, "printable and without blanks, the first alphabetic"),
    "P": options.other("P", r"\w+(?::\w+)?", "user[:group]"),
    "t": array,
    "T": options.other("T", r"\S+", "a script's name"),
    "w": options.other("w", r"\S+", "a working directory"),
    "W": options.attributes(KNOWN, DEPENDENCIES),
    "x": options.other("x", "", "without a value"),
}
BARE = "fhIVXx"
VARIABLES_IN = "oevW"  # qsub(1B): $PBS_JOBID and the like in paths, since Torque 2.4


def nodes(value: str) -> Tuple[Component, ...]:
    """{N|host}[:ppn=P][:gpus=G][:property…], between plus signs. PBS_NODEFILE has each host P times."""
    found = []
    for part in value.split("+"):
        first, *rest = part.split(":")
        extra = []
        if first.isdigit():
            number = whole(first, "a number of nodes", 1)
        else:
            number = 1
            extra.append((matched(r"[A-Za-z][\w.-]*", first, f"nodes={value}: a number or a host")[0], "true"))
        given: Dict[str, int] = {}
        for piece in rest:
            name, equals, worth = piece.partition("=")
            if equals:
                if name not in ("ppn", "gpus", "mics", "procs"):
                    raise Bad(f"nodes={value}: {name} cannot be asked for per node")
                if name in given:
                    raise Bad(f"nodes={value}: {name} is given twice")
                given[name] = whole(worth, name, 1)
            else:
                extra.append((matched(r"[A-Za-z][\w.-]*", piece, f"nodes={value}: a property")[0], "true"))
        ppn = given.get("ppn", 1)
        if "mics" in given:
            extra.append(("mics", str(given["mics"])))
        found.append(Component(number, cpus=ppn, mpiprocs=ppn, gpus=given.get("gpus"), extra=tuple(extra)))
    return tuple(found)


def parse(script: str, resources: Optional[Mapping[str, str]] = None) -> Request:
    """The request of a script. `resources` are the site's own, name → "job" or, without a value, "flag". Raises Refused."""
    own: Dict[str, Kind] = {name: boolean if kind == "flag" else text for name, kind in (resources or {}).items()}
    kinds = {**JOB, **own}
    draft = options.gather(script, READERS, BARE, VARIABLES_IN)
    read: Dict[str, object] = {}
    for name, (line, value) in draft.resources.items():
        with at(line):
            if name in ("select", "place"):
                raise Bad(f"{name} is PBS Pro's: nodes=N:ppn=P")
            if name not in kinds and name != "nodes":
                raise Bad(f"{name}: no resource that can be asked for; is it this site's own?")
            if value is None and kinds.get(name) is not boolean:
                raise Bad(f"{name} needs a value")
            read[name] = nodes(value or "") if name == "nodes" else kinds[name](value if value is not None else "true")
            if name not in FIELDS:
                draft.extra[name] = value or ""
    several = [name for name in ("nodes", "procs", "ncpus") if name in read]
    if len(several) > 1:
        raise refuse(draft, several[1], f"{several[1]} beside {several[0]}: two ways to ask for processors")
    if "procs" in read:
        read["nodes"] = (Component(whole(str(read["procs"]), "procs", 1), cpus=1, mpiprocs=1),)
    if "ncpus" in read:
        read["nodes"] = (Component(cpus=whole(str(read["ncpus"]), "ncpus", 1)),)
    return _request(draft, read)


FIELDS = ("nodes", "procs", "ncpus", "mem", "pmem", "walltime")


def _request(draft: Draft, read: Mapping[str, object]) -> Request:
    components = read.get("nodes", ())
    assert isinstance(components, tuple)
    pmem: Optional[Amount] = read.get("pmem")  # type: ignore[assignment]
    if pmem is not None:
        components = tuple(dataclasses.replace(part, mem_per_proc_mib=pmem) for part in components or (Component(),))
    request = draft.request(components=components, mem_mib=read.get("mem"), walltime=read.get("walltime"))
    if request.array and "-I" in request.extra:
        raise Refused(0, "an interactive array")
    return request
