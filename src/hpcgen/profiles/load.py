"""``load("mahuika")`` reads and checks one profile in ``sites/``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

from hpcgen import schedulers
from hpcgen.base import paths, toml
from hpcgen.base.errors import SiteError
from hpcgen.base.paths import Rooms
from hpcgen.profiles.listing import find
from hpcgen.profiles.site import Site
from hpcgen.profiles.validate import faults


def load(name: Union[str, os.PathLike[str]], rooms: Optional[Rooms] = None) -> Site:
    """Load the site with this id or alias, or the profile at this path if the name ends in ``.toml``.

    Raises SiteError if there is no such site, or with all faults of the profile.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise SiteError(f"site: {name!r} is not a name or path: give the id of a site, or the path of a profile")
    name = os.fspath(name)
    path = Path(name) if name.endswith(".toml") else find(name, rooms)
    return decode(path.stem, toml.read_kept(path, SiteError), str(path))


def decode(name: str, data: Dict[str, Any], path: str) -> Site:
    """Make a Site from the tables of a profile, and check it. Raises SiteError with all faults."""
    problems: List[str] = []
    where = paths.shown(path)
    own = [f"{where}: unknown key '{key}'" for key in ("id", "path", "dialect") if key in data]
    tables = {key: value for key, value in data.items() if key not in schedulers.names()}
    site = toml.struct(Site, {**tables, "id": name, "path": path}, where, problems)
    dialect = _dialect(data, where, problems)
    if problems or own:
        raise SiteError(*own, *problems)
    site = Site(**{**{field: getattr(site, field) for field in Site.__struct_fields__}, "dialect": dialect})
    if wrong := [f"{where}: {fault}" for fault in faults(site)]:
        raise SiteError(*wrong)
    return site


def _dialect(data: Dict[str, Any], where: str, problems: List[str]) -> Any:
    """Read the table of the site's scheduler. A table of another scheduler is a fault."""
    scheduler = data.get("scheduler")
    mine = scheduler.get("type") if isinstance(scheduler, dict) else None
    for name in schedulers.names():
        if name in data and name != mine:
            problems.append(f"{where}: {name}: the scheduler is {mine}: remove the table, or correct scheduler.type")
    kind = schedulers.get(mine).dialect if mine in schedulers.names() else None
    if mine is None or kind is None:
        return None
    return toml.struct(kind, data.get(mine, {}), f"{where}: {mine}", problems)
