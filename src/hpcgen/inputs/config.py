"""The defaults of the machine and of the user: ``~/.config/hpcgen/config.toml`` overrides ``/etc/hpcgen/config.toml``.

Both files have the same format:

    site = "mahuika"            # any key of a request, for every site
    mail_user = "me@uni.ac.nz"
    rooms = ["/project/abc/hpcgen"]   # folders that contain your sites/ and templates/
    [sites.mahuika]             # keys of a request, for one site
    account = "nesi99999"

All keys except `rooms` and `sites` are keys of a request.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from hpcgen.base import paths, toml
from hpcgen.base.errors import RequestError, nearest
from hpcgen.base.paths import Rooms
from hpcgen.profiles.listing import listing
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer


class Config(NamedTuple):
    """One file: its name, the values for all sites, and the tables for single sites."""

    where: str
    values: Dict[str, Any]
    sites: Dict[str, Dict[str, Any]]


def configs() -> List[Config]:
    """Read the files that exist. The last one overrides the others. Raises RequestError."""
    return [_read(str(path), toml.read(path, RequestError)) for path in paths.configs() if path.is_file()]


def _read(where: str, values: Dict[str, Any]) -> Config:
    sites, rooms = values.get("sites", {}), values.get("rooms", [])
    if not isinstance(sites, dict) or not all(isinstance(table, dict) for table in sites.values()):
        raise RequestError(f"{where}: 'sites' must contain tables: write [sites.NAME]")
    if not isinstance(rooms, list) or not all(isinstance(room, str) for room in rooms):
        raise RequestError(f"{where}: 'rooms' must be a list of folders: write rooms = [\"~/hpcgen\"]")
    return Config(where, values, sites)


def rooms(found: Sequence[Config]) -> Rooms:
    """All rooms, including those that the configurations name. The user's rooms come before the machine's."""
    return paths.rooms(room for config in reversed(found) for room in config.values.get("rooms", []))


def usual_site(found: Sequence[Config]) -> Optional[str]:
    """The default site: the last configuration that names one overrides the others."""
    return next((config.values["site"] for config in reversed(found) if config.values.get("site")), None)


def layers(found: Sequence[Config], site: Site, among: Rooms) -> Iterator[Layer]:
    """The values for this site, in ascending order of precedence. Raises RequestError if a table misspells the site's name."""
    for config in found:
        rest = {key: value for key, value in config.values.items() if key not in ("rooms", "sites", "site")}
        yield Layer("config", config.where, rest)
        yield from _of_site(config, site, among)


def _of_site(config: Config, site: Site, among: Rooms) -> Iterator[Layer]:
    names = (site.id, *site.aliases)
    for name in config.sites:
        if name not in names and (meant := nearest(name, names, 0.85)) and name not in listing(among):
            raise RequestError(f"{config.where}: sites.{name}: unknown site{meant}")
    for name in names:
        if name in config.sites:
            yield Layer("config", f"{config.where}: sites.{name}", config.sites[name])
