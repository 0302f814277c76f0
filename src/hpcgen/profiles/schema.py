"""The JSON Schema of profiles. Editors use it to complete and check profiles."""

from __future__ import annotations

from typing import Any, Dict

from hpcgen import schedulers
from hpcgen.launch.launchers import LAUNCHERS
from hpcgen.profiles.site import Site
from hpcgen.request.schema import Schema, document, request_parts

# Fields of Site that are not keys of a profile: the file's name, its path, and the table named after the scheduler.
MADE = ("id", "path", "dialect")
# Fields of a request that a profile must not set.
UNSET = ("site", "program", "args")


def of_site() -> Schema:
    """The schema of profiles. It allows the table of a scheduler only if the site uses that scheduler."""
    tables = {name: kind for name in schedulers.names() if (kind := schedulers.get(name).dialect)}
    found = request_parts(Site, *tables.values())
    site, defaults, _ = found.pop("Site"), found.pop("Request"), found.pop("Table")
    found["Defaults"] = {**defaults, "properties": _less(defaults["properties"], UNSET)}
    found["SchedulerFacts"]["properties"]["type"]["enum"] = list(schedulers.names())
    found["Mpi"]["properties"]["launcher"]["enum"] = sorted(LAUNCHERS)
    properties = _less(site["properties"], MADE)
    properties["sources"]["minProperties"] = 1
    properties["defaults"] = {"$ref": "#/$defs/Defaults", "description": properties["defaults"]["description"]}
    for name, kind in tables.items():
        text = f"The dialect of {found[kind.__name__]['description'].partition('.')[0]} at this site."
        properties[name] = {"$ref": f"#/$defs/{kind.__name__}", "description": text}
    top = {
        **site,
        "properties": properties,
        "required": [name for name in site["required"] if name not in MADE],
        "dependentSchemas": {name: _under(name) for name in tables},
    }
    return document("site", "A profile of a machine for hpcgen: sites/NAME.toml", top, found)


def _less(values: Dict[str, Any], names: Any) -> Dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _under(name: str) -> Schema:
    """The condition that a profile is for this scheduler."""
    return {"properties": {"scheduler": {"properties": {"type": {"const": name}}}}}
