"""Finds profiles. Each profile is a file in the ``sites/`` folder of a room."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Dict, Optional

from hpcgen.base import paths
from hpcgen.base.errors import SiteError, among
from hpcgen.base.paths import Rooms


def listing(rooms: Optional[Rooms] = None) -> Dict[str, Path]:
    """The id and the profile of every site, sorted by id. Profiles in earlier rooms override those in later rooms."""
    found: Dict[str, Path] = {}
    for room in rooms or paths.rooms():
        for path in sorted((room / "sites").glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find(name: str, rooms: Optional[Rooms] = None) -> Path:
    """Find the profile of the site with this id or alias. Raises SiteError with the most similar name if there is none."""
    if Path(name).name == name:
        for room in rooms or paths.rooms():
            if (path := room / "sites" / f"{name}.toml").is_file():
                return path
    profiles = listing(rooms)
    if name in (known := aliases(profiles)):
        return known[name]
    raise SiteError(f"--site {name}: unknown site{among(name, sorted({*profiles, *known}))}")


def aliases(profiles: Dict[str, Path]) -> Dict[str, Path]:
    """The profiles by alias. Only the line with the aliases is read, because reading whole profiles is slow."""
    known: Dict[str, Path] = {}
    for path in profiles.values():
        text = ""
        with contextlib.suppress(OSError):  # a profile that cannot be read has no aliases
            text = path.read_text("utf-8", "replace")
        if line := re.search(r"^aliases = \[(.*)\]", text, re.MULTILINE):
            known.update({name: path for name in re.findall(r'"([^"]+)"', line.group(1))})
    return known
