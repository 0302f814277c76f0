"""Merges flags, a request file, the configurations, the environment and the profile into a site and a request."""

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
    """Merge all sources of values for a command line. Raises RequestError and SiteError.

    If `of_job` is true, infer the workload if none is given. `usual` is the site to use if neither the flags nor the file
    name one. A site in the configurations overrides it only if both have the same scheduler: `hpcgen run` ignores the
    cluster in config.toml, because it runs the job on this machine.
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
    merged = merge(layers)
    if merged.request.program == "":
        raise RequestError("program: its name is empty: name a file")
    asked, notes = inferred(merged) if of_job else (merged, ())
    return Gathered(site, counted(asked), rooms, notes)


def from_file(path: Path) -> Layer:
    """Read a request file. Raises RequestError."""
    return Layer("file", path.name, toml.read(path, RequestError))


def _wanted(configs: Sequence[Config], usual: Optional[str], rooms: Rooms) -> str:
    """Choose the site if neither the flags nor the file name one. Raises RequestError."""
    configured = config.usual_site(configs)
    if usual and configured and load(str(configured), rooms).scheduler.type != load(usual, rooms).scheduler.type:
        return usual
    if site := configured or usual:
        return str(site)
    raise RequestError('--site is missing: give --site NAME (see: hpcgen sites), or write site = "NAME" in config.toml')


def _variables(site: Site) -> Iterator[Layer]:
    """The account from the scheduler's environment variable, because the scheduler reads this variable at submission, too."""
    name = schedulers.get(site.scheduler.type).account_variable
    if name and os.environ.get(name):
        yield Layer("variable", f"${name}", {"account": os.environ[name]})
