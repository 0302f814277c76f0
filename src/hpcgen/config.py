"""A person's and a machine's own defaults: ``~/.config/hpcgen/config.toml``, below it ``/etc/hpcgen/config.toml``.

    site = "mahuika"            # any key of a request, for every site
    mail_user = "me@uni.ac.nz"
    rooms = ["/project/abc/hpcgen"]   # folders with sites/ and templates/ of your own
    [sites.mahuika]             # the same, for one site
    account = "nesi99999"
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from hpcgen import paths, schedulers, tables
from hpcgen.errors import RequestError
from hpcgen.request import Layer, Merged, from_file, merge
from hpcgen.site import Site, load


def gather(flags: Mapping[str, Any], file: Optional[Path] = None, site: Optional[str] = None) -> Tuple[Site, Merged]:
    """The site and the request that flags, a file, the configurations and the profile mean together.

    `site` is the one to take when nothing names any. Raises RequestError and SiteError.
    """
    configs = list(_configs())
    named = from_file(file) if file else Layer("file", "", {})
    for room in reversed([room for _, values, _ in configs for room in values.get("rooms", [])]):
        os.environ["HPCGEN_PATH"] = os.pathsep.join(filter(None, [str(room), os.environ.get("HPCGEN_PATH")]))
    wanted = flags.get("site") or named.values.get("site") or _of_configs(configs) or site
    if not wanted:
        raise RequestError('--site: which machine? Give --site NAME (see: hpcgen sites), or write site = "NAME" in config.toml')
    found = load(str(wanted))
    layers: List[Layer] = [Layer("fact", f"sites/{found.id}.toml: defaults", found.defaults)]
    for where, values, own in configs:
        rest = {key: value for key, value in values.items() if key not in ("rooms", "sites", "site")}
        layers += [Layer("config", where, rest), *_of_site(found, where, own)]
    layers += [*_variables(found), named, Layer("flag", "command line", {**flags, "site": wanted}, strict=False)]
    return found, merge(layers)


def _configs() -> Iterator[Tuple[str, Dict[str, Any], Dict[str, Any]]]:
    for path in paths.configs():
        if path.is_file():
            values = tables.read(path, RequestError)
            own = values.get("sites", {})
            if not isinstance(own, dict) or not isinstance(values.get("rooms", []), list):
                raise RequestError(f"{path}: 'rooms' is a list of folders and 'sites' holds tables: [sites.NAME]")
            yield str(path), values, own


def _of_configs(configs: List[Tuple[str, Dict[str, Any], Dict[str, Any]]]) -> Optional[str]:
    return next((values["site"] for _, values, _ in reversed(configs) if values.get("site")), None)


def _of_site(site: Site, where: str, own: Dict[str, Any]) -> Iterator[Layer]:
    for name in (site.id, *site.aliases):
        if name in own:
            yield Layer("config", f"{where}: sites.{name}", own[name])


def _variables(site: Site) -> Iterator[Layer]:
    """The scheduler's own variable for the account; it would hold at submission too."""
    name = schedulers.get(site.scheduler.type).ACCOUNT_VARIABLE
    if name and os.environ.get(name):
        yield Layer("variable", f"${name}", {"account": os.environ[name]})
