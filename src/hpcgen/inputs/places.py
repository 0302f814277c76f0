"""Finds the files of a job on this machine. Relative paths are relative to --chdir."""

from __future__ import annotations

import os

from hpcgen.request.fields import Request


def place(request: Request, path: str) -> str:
    """The path of a job's file on this machine. A leading ``~/`` is the home folder, as in the script."""
    return os.path.join(_home(request.chdir or ""), _home(path))


def _home(path: str) -> str:
    return os.path.expanduser(path) if path == "~" or path.startswith("~/") else path
