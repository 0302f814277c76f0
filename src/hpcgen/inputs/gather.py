"""The site and the request that flags, a file, the configurations, the environment and the profile mean together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

from hpcgen import schedulers
from hpcgen.base import paths, toml
from hpcgen.base.errors import RequestError
from hpcgen.base.paths import Rooms
from hpcgen.inputs import config
from hpcgen.inputs.config import Config
from hpcgen.inputs.infer import inferred
from hpcgen.inputs.tasks import counted
from hpcgen.profiles.load import load
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer, Merged, merge


class Gathered(NamedTuple):
    """The site, the request with the origin of each value, the rooms of profiles and templates, and notes for the user."""

    site: Site
    asked: Merged
    rooms: Rooms
    notes: Tuple[str, ...] = ()


def gather(
    flags: Mapping[str, Any], file: Optional[Path] = None, usual: Optional[str] = None, *, of_job: bool = False
) -> Gathered:
    """All that a command line means. `of_job`: the request is for a job, so that a workload that is not named is inferred.

    `usual` is the site to take where neither flags nor the file name one, and the configurations none of its scheduler's: a
    user whose cluster is in config.toml still runs things on this machine. Raises RequestError and SiteError.
    """
    configs = config.configs()
    rooms = config.rooms(configs)
    named = from_file(file) if file else Layer("file", "", {})
    wanted = str(flags.get("site") or named.values.get("site") or _wanted(configs, usual, rooms))
    site = load(wanted, rooms)
    layers = (
        Layer("fact", f"{paths.shown(site.path)}: defaults", site.defaults),
        *config.layers(configs, site, rooms),
        *_variables(site),
        named,
        Layer("flag", "command line", {**flags, "site": wanted}, strict=False),
    )
    asked, notes = inferred(merge(layers)) if of_job else (merge(layers), ())
    return Gathered(site, counted(asked), rooms, notes)


def from_file(path: Path) -> Layer:
    """The layer of a request file. Raises RequestError."""
    return Layer("file", path.name, toml.read(path, RequestError))


def _wanted(configs: Sequence[Config], usual: Optional[str], rooms: Rooms) -> str:
    """The site of a command line that names none. Raises RequestError."""
    configured = config.usual_site(configs)
    if usual and configured and load(str(configured), rooms).scheduler.type != load(usual, rooms).scheduler.type:
        return usual
    if site := configured or usual:
        return str(site)
    raise RequestError('--site: which machine? Give --site NAME (see: hpcgen sites), or write site = "NAME" in config.toml')


def _variables(site: Site) -> Iterator[Layer]:
    """The scheduler's own variable for the account; it would hold at submission too."""
    name = schedulers.get(site.scheduler.type).account_variable
    if name and os.environ.get(name):
        yield Layer("variable", f"${name}", {"account": os.environ[name]})
