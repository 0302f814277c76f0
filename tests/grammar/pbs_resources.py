"""Resources of PBS: how a value of each kind is read, chunks, placement, and the old node specification.

Source: OpenPBS pbs_resources(7B), 2018 (doc/man1/pbs_resources.7B, commit 1859ef9a), and qsub(1B) for select and place.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Tuple

from .reading import Bad, clock, matched, once, scaled, whole
from .request import Amount, Component

_LETTERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SIZES: Dict[str, Amount] = {
    prefix + unit: 1024**power * worth for prefix, power in _LETTERS.items() for unit, worth in (("b", 1), ("w", 8))
}


def size(value: str) -> Amount:
    """MiB of a size: a whole number of bytes, or with b, kb, mb, gb, tb, pb (w, kw…: words of eight bytes), in either case.

    The manual knows no unit without its b or w; the server's decode_size takes `4g` too, which no script of ours should need.
    """
    return scaled(value.lower(), {"": 1, **_SIZES}, "a size: a whole number and b, kb, mb, gb, tb or pb")


def count(value: str) -> int:
    return whole(value, "a whole number")


def text(value: str) -> str:
    return value


def boolean(value: str) -> str:
    return matched(r"(?i:true|false|t|f|y|n|0|1)", value, "true or false")[0]


Kind = Callable[[str], object]

# Only within a select statement …
CHUNK: Dict[str, Kind] = {
    "accelerator": boolean, "accelerator_memory": size, "accelerator_model": text, "aoe": text, "arch": text, "eoe": text,
    "hbmem": size, "host": text, "mem": size, "mpiprocs": count, "naccelerators": count, "ncpus": count, "ompthreads": count,
    "vmem": size, "vnode": text, "vntype": text,
    "ngpus": count,  # a custom resource by its origin, under the name that the Administrator's Guide gives it
}  # fmt: skip
# … and only outside of one.
JOB: Dict[str, Kind] = {
    "cput": clock, "file": size, "max_walltime": clock, "min_walltime": clock, "nice": text, "pcput": clock, "pmem": size,
    "preempt_targets": text, "pvmem": size, "site": text, "software": text, "walltime": clock,
}  # fmt: skip
READ_ONLY = ("energy", "exec_vnode", "nchunk", "nodect", "soft_walltime", "start_time")

FIELDS = {"ncpus": "cpus", "mpiprocs": "mpiprocs", "ompthreads": "ompthreads", "mem": "mem_mib", "ngpus": "gpus"}


def chunk(number: int, given: Mapping[str, str], kinds: Mapping[str, Kind]) -> Component:
    """A component of resources as written; those that every scheduler knows become fields."""
    fields: Dict[str, object] = {}
    extra: List[Tuple[str, str]] = []
    for name, value in given.items():
        try:
            read = kinds[name](value)
        except Bad as why:
            raise Bad(f"{name}: {why}") from None
        if name in FIELDS:
            fields[FIELDS[name]] = read
        else:
            extra.append((name, value))
    return Component(count=number, extra=tuple(extra), **fields)  # type: ignore[arg-type]


def select(value: str, kinds: Mapping[str, Kind]) -> Tuple[Component, ...]:
    """[N:]name=value[:name=value…][+…]. No resource twice in a chunk, none that is not a host's."""
    found = []
    for part in value.split("+"):
        number = 1
        given: Dict[str, str] = {}
        for i, piece in enumerate(part.split(":")):
            name, equals, worth = piece.partition("=")
            if i == 0 and not equals and part:
                number = whole(piece, "a number of chunks", 1)
                continue
            if not equals or not name or not worth:
                raise Bad(f"select={value}: {piece!r} is not name=value")
            if name in JOB or name in READ_ONLY or name not in kinds:
                why = "is for the whole job, outside of select" if name in JOB else "cannot be asked for in a chunk"
                raise Bad(f"select={value}: {name} {why}")
            once(given, name, f"{name} in one chunk")
            given[name] = worth.strip("\"'")
        found.append(chunk(number, given, kinds))
    return tuple(found)


ARRANGEMENTS = ("free", "pack", "scatter", "vscatter")
SHARINGS = ("excl", "shared", "exclhost")


def place(value: str) -> None:
    """[arrangement][:sharing][:group=resource], each once, in any order, and no colon first."""
    seen: Dict[str, object] = {}
    for part in value.split(":"):
        kind = "arrangement" if part in ARRANGEMENTS else "sharing" if part in SHARINGS else "grouping"
        if kind == "grouping":
            matched(r"group=[A-Za-z]\w*", part, f"a part of place={value}")
        once(seen, kind, f"the {kind} of place={value}")
        seen[kind] = part


def nodes(value: str) -> Tuple[Component, ...]:
    """The old node specification as PBS converts it: nodes=4:ppn=2 is select=4:ncpus=2:mpiprocs=2.

    [N:]spec[:spec…][+…][#suffix…]; a spec is a host or property, ncpus=X, cpp=X or ppn=P; N alone is N chunks of one CPU.
    """
    body, *suffixes = value.split("#")
    found = []
    for part in body.split("+"):
        number, cpus, procs, extra = 1, 0, 0, []
        for i, piece in enumerate(part.split(":")):
            if i == 0 and piece.isdigit():
                number = whole(piece, "a number of nodes", 1)
            elif piece.startswith("ppn="):
                procs = whole(piece[4:], "ppn", 1)
            elif piece.startswith(("ncpus=", "cpp=")):
                cpus = whole(piece.partition("=")[2], "a number of CPUs")
            else:
                extra.append((matched(r"[A-Za-z][\w.-]*", piece, f"nodes={value}: a host or a property")[0], "true"))
        found.append(Component(number, cpus=cpus or procs or 1, mpiprocs=procs or None, extra=tuple(extra)))
    if suffixes:
        raise Bad(f"nodes={value}: write place= in place of #{suffixes[0]}")
    return tuple(found)
