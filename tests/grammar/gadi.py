"""Gadi's dialect of PBS: amounts for the whole job in place of chunks.

Sources: NCI, Gadi User Guide, Job Costs (opus.nci.org.au page 236880942: ncpus and ngpus of the job); climate-cms.org
2022-11-10 on jobfs; public scripts for Gadi (wd, storage, software). The other options are PBS Pro's. `select`, `place` and
`nodes` are not Gadi's: its own qsub derives them from the amounts.
"""

from __future__ import annotations

from typing import Dict

from . import pbs
from . import pbs_resources as kinds
from .pbs_resources import Kind
from .reading import Bad, at, clock, matched
from .request import Refused, Request


def storage(value: str) -> str:
    """File systems of projects that the job mounts: scratch/ab12+gdata/xy34+massdata/ab12, each once."""
    parts = value.split("+")
    for part in parts:
        matched(r"(?:scratch|gdata|massdata)/[a-z][a-z0-9]+", part, "scratch/PROJECT, gdata/PROJECT or massdata/PROJECT")
        if parts.count(part) > 1:
            raise Bad(f"storage has {part} twice")
    return value


RESOURCES: Dict[str, Kind] = {
    "iointensive": kinds.count,
    "jobfs": kinds.size,
    "mem": kinds.size,
    "ncpus": kinds.count,
    "ngpus": kinds.count,
    "other": kinds.text,
    "software": kinds.text,
    "storage": storage,
    "walltime": clock,
}
TOTALS = ("ncpus", "mem", "ngpus")


def parse(text: str) -> Request:
    """The request of a script: one component, which holds the job's totals. Raises Refused."""
    draft = pbs.gather(text)
    given: Dict[str, str] = {}
    for name, (line, value) in draft.resources.items():
        if name == "wd":
            if value is not None:
                raise Refused(line, "wd has no value")
            draft.set("workdir", ".")
            continue
        if name not in RESOURCES:
            chunky = name in ("select", "place", "nodes") or name in kinds.CHUNK
            why = "Gadi takes the job's totals, ncpus, mem and ngpus" if chunky else "no resource of Gadi"
            raise Refused(line, f"{name}: {why}")
        if value is None:
            raise Refused(line, f"{name} needs a value")
        with at(line):
            read = RESOURCES[name](value)
        if name == "walltime":
            draft.set("walltime", read)
        elif name in TOTALS:
            given[name] = value
        else:
            draft.extra[name] = value
    return draft.request(components=(kinds.chunk(1, given, RESOURCES),) if given else ())
