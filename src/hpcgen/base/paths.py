"""Where profiles and templates are: the user's and the project's rooms come before ours."""

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
    """The folder with our own ``sites`` and ``templates``: the top of a checkout or, if installed, the package."""
    checkout = PACKAGE.parent.parent
    if PACKAGE.parent.name == "src" and (checkout / "sites").is_dir() and (checkout / "pyproject.toml").is_file():
        return checkout
    return PACKAGE


def shown(path: str) -> str:
    """One of our own files by its place in the project, any other file as it was named."""
    ours = Path(path)
    return f"{ours.parent.name}/{ours.name}" if ours.parent.parent == data() else path


def user() -> Path:
    """The user's own room; it also contains config.toml."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "hpcgen"


def system() -> Path:
    """The machine's room, for all its users."""
    return Path("/etc/hpcgen")


def cache() -> Path:
    """The folder for files that can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hpcgen"


def configs() -> List[Path]:
    """Files of defaults, weakest first."""
    return [system() / "config.toml", user() / "config.toml"]


def rooms(named: Iterable[str] = ()) -> Rooms:
    """Folders that may contain ``sites`` and ``templates``, strongest first: those in ``HPCGEN_PATH``, then the folders `named`
    in a configuration, the user's, the machine's, and ours.

    The working directory is not one of them: a template is a program, and a profile from somebody else's folder must not
    replace a known one.
    """
    return _rooms(tuple(named), *map(os.environ.get, ("HPCGEN_PATH", "XDG_CONFIG_HOME", "HOME")))


@functools.cache
def _rooms(named: Tuple[str, ...], path: Optional[str], *_: Optional[str]) -> Rooms:
    """Cached until one of the variables changes, because a rendering asks for the rooms often."""
    first = [room for room in (path or "").split(os.pathsep) if room]
    more = [room for room in named if room and room not in first]
    return (*(Path(room).expanduser() for room in (*first, *more)), user(), system(), data())
