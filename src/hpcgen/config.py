"""A person's and a machine's own defaults: ``~/.config/hpcgen/config.toml``, which wins over ``/etc/hpcgen/config.toml``.

Both look alike:

    site = "mahuika"            # any key of a request, for every site
    mail_user = "me@uni.ac.nz"
    rooms = ["/project/abc/hpcgen"]   # folders with sites/ and templates/ of your own
    [sites.mahuika]             # the same, for one site
    account = "nesi99999"

Keys are those of a request, `rooms` and `sites` apart.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from hpcgen import paths, schedulers, tables
from hpcgen.errors import RequestError, nearest
from hpcgen.request import Layer, Merged, from_file, merge
from hpcgen.site import Site, listing, load

# Of each file that is there: its name, its values, its tables of sites.
Configs = List[Tuple[str, Dict[str, Any], Dict[str, Any]]]


def gather(flags: Mapping[str, Any], file: Optional[Path] = None, site: Optional[str] = None) -> Tuple[Site, Merged]:
    """The site and the request that flags, a file, the configurations and the profile mean together.

    `site` is the one to take where neither flags nor the file name one, and the configurations none of its scheduler's:
    whose own cluster stands in config.toml still runs things here. Raises RequestError and SiteError.
    """
    configs = list(_configs())
    named = from_file(file) if file else Layer("file", "", {})
    _open_rooms(configs)
    wanted = flags.get("site") or named.values.get("site")
    if not wanted:
        usual = _of_configs(configs)
        other = site and usual and load(str(usual)).scheduler.type != load(site).scheduler.type
        wanted = site if other else usual or site
    if not wanted:
        raise RequestError('--site: which machine? Give --site NAME (see: hpcgen sites), or write site = "NAME" in config.toml')
    found = load(str(wanted))
    layers: List[Layer] = [Layer("fact", f"{paths.shown(found.path)}: defaults", found.defaults)]
    for where, values, own in configs:
        rest = {key: value for key, value in values.items() if key not in ("rooms", "sites", "site")}
        layers += [Layer("config", where, rest), *_of_site(found, where, own)]
    layers += [*_variables(found), named, Layer("flag", "command line", {**flags, "site": wanted}, strict=False)]
    return found, merge(layers)


def _configs() -> Iterator[Tuple[str, Dict[str, Any], Dict[str, Any]]]:
    for path in paths.configs():
        if path.is_file():
            values = tables.read(path, RequestError)
            own, rooms = values.get("sites", {}), values.get("rooms", [])
            if not isinstance(own, dict) or not all(isinstance(table, dict) for table in own.values()):
                raise RequestError(f"{path}: 'sites' holds tables: [sites.NAME]")
            if not isinstance(rooms, list) or not all(isinstance(room, str) for room in rooms):
                raise RequestError(f'{path}: rooms is a list of folders: ["~/hpcgen"]')
            yield str(path), values, own


def open_rooms() -> None:
    """Let the rooms that the configurations name hold profiles and templates, too. Raises RequestError."""
    _open_rooms(list(_configs()))


def _open_rooms(configs: Configs) -> None:
    """They come after what HPCGEN_PATH names already, the person's own before the machine's."""
    known = list(filter(None, os.environ.get("HPCGEN_PATH", "").split(os.pathsep)))
    named = [room for _, values, _ in reversed(configs) for room in values.get("rooms", [])]
    if new := [room for room in named if room not in known]:
        os.environ["HPCGEN_PATH"] = os.pathsep.join([*known, *new])


def _of_configs(configs: Configs) -> Optional[str]:
    return next((values["site"] for _, values, _ in reversed(configs) if values.get("site")), None)


def _of_site(site: Site, where: str, own: Dict[str, Any]) -> Iterator[Layer]:
    """The site's own table. Raises RequestError for one that nobody has, and that was meant for it by its name."""
    names = (site.id, *site.aliases)
    for name in own:
        if name not in names and (meant := nearest(name, names, 0.85)) and all(name != known for known, _ in listing()):
            raise RequestError(f"{where}: sites.{name}: there is no such site{meant}")
    for name in names:
        if name in own:
            yield Layer("config", f"{where}: sites.{name}", own[name])


def _variables(site: Site) -> Iterator[Layer]:
    """The scheduler's own variable for the account; it would hold at submission too."""
    name = schedulers.get(site.scheduler.type).account_variable
    if name and os.environ.get(name):
        yield Layer("variable", f"${name}", {"account": os.environ[name]})
