"""Where profiles and templates are: the user's and the project's own rooms before ours."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Iterable, List, Optional, Tuple

# Strongest first.
Rooms = Tuple[Path, ...]

PACKAGE = Path(__file__).resolve().parent.parent


@functools.cache
def data() -> Path:
    """The folder that holds our own ``sites`` and ``templates``: a checkout's top or, installed, the package."""
    checkout = PACKAGE.parent.parent
    if PACKAGE.parent.name == "src" and (checkout / "sites").is_dir() and (checkout / "pyproject.toml").is_file():
        return checkout
    return PACKAGE


def shown(path: str) -> str:
    """A file of ours by its place in the house, any other as it was named."""
    ours = Path(path)
    return f"{ours.parent.name}/{ours.name}" if ours.parent.parent == data() else path


def user() -> Path:
    """The person's own room, which holds config.toml, too."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "hpcgen"


def system() -> Path:
    """The machine's room, for everybody on it."""
    return Path("/etc/hpcgen")


def cache() -> Path:
    """Where what can be made again is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hpcgen"


def configs() -> List[Path]:
    """Files of defaults, weakest first."""
    return [system() / "config.toml", user() / "config.toml"]


def rooms(named: Iterable[str] = ()) -> Rooms:
    """Folders that may hold ``sites`` and ``templates``, strongest first: those of ``HPCGEN_PATH``, then the `named` ones of
    a configuration, the user's, the machine's, and ours.

    The working directory is not among them: a template is a program, and a profile from a stranger's folder may not take the
    place of a known one.
    """
    return _rooms(tuple(named), *map(os.environ.get, ("HPCGEN_PATH", "XDG_CONFIG_HOME", "HOME")))


@functools.cache
def _rooms(named: Tuple[str, ...], path: Optional[str], *_: Optional[str]) -> Rooms:
    """Found again when one of the variables changes: a rendering asks for them often."""
    first = [room for room in (path or "").split(os.pathsep) if room]
    more = [room for room in named if room and room not in first]
    return (*(Path(room).expanduser() for room in (*first, *more)), user(), system(), data())
