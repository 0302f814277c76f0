"""Finds the files of a job on this machine: relative to --chdir, and staged files at the paths that --stage gives."""

from __future__ import annotations

import os
import re
from typing import Optional

from hpcgen.request.fields import Request

STAGED = "$HPCGEN_STAGED/"
ARCHIVE = r"\.(tar(\.(gz|zst|xz|bz2))?|tgz)$"


def place(request: Request, path: str) -> Optional[str]:
    """The path on this machine of a file that the job uses. None if the file is in a staged archive.

    A leading ``~/`` is the home folder, as in the script.
    """
    if source := _source(request, path):
        if re.search(ARCHIVE, source):
            return None
        below = path[len(STAGED) :].partition("/")[2]
        path = f"{source}/{below}" if below else source
    return os.path.join(_home(request.chdir or ""), _home(path))


def missing(request: Request, path: str) -> bool:
    """Whether the file does not exist on this machine. False for staged files: only their paths in --stage are checked."""
    where = None if _source(request, path) else place(request, path)
    return where is not None and not os.path.exists(where)


def staged_name(path: str) -> str:
    """The name of a staged path on the node: its last part, without the suffix of an archive."""
    return re.sub(ARCHIVE, "", path.rstrip("/").rpartition("/")[2])


def _source(request: Request, path: str) -> Optional[str]:
    """The path in --stage that contains this file, without a final slash. None if the file is not staged."""
    name = path[len(STAGED) :].partition("/")[0] if path.startswith(STAGED) else None
    return next((staged.rstrip("/") for staged in request.stage if staged_name(staged) == name), None)


def _home(path: str) -> str:
    return os.path.expanduser(path) if path == "~" or path.startswith("~/") else path
