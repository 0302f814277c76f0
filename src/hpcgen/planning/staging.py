"""What each node gets a copy of before the program starts: files, folders, archives."""

from __future__ import annotations

import re
from typing import Iterator, List, Optional

from hpcgen.base.errors import RequestError
from hpcgen.model.job import Origin, Stage
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request

ARCHIVE = r"\.(tar(\.(gz|zst|xz|bz2))?|tgz)$"


def stage(site: Site, request: Request) -> Optional[Stage]:
    """What is staged and into which folder of the node. Raises RequestError where two would get one name."""
    names: List[str] = []
    for path in request.stage:
        name = re.sub(ARCHIVE, "", path.rstrip("/").rpartition("/")[2])
        if name in ("", ".", "..", "~"):
            raise RequestError(f"--stage {path}: this has no name of its own: name the folder, or the file")
        if name in names:
            raise RequestError(f"--stage {path}: another one would also be {name} on the nodes: give it another name")
        names.append(name)
    if not names:
        return None
    known = site.storage.local and not site.storage.in_memory
    why = site.cite("storage", "local") if known else Origin("rule", "no local disk is known: $TMPDIR, or /tmp")
    parent = site.storage.local if known else None
    return Stage(paths=tuple(request.stage), names=tuple(names), parent=parent, origins={"parent": why})


def notes(site: Site, found: Optional[Stage]) -> Iterator[str]:
    """Where the copies are found, and whether they take of the job's memory."""
    if found:
        where = ", ".join(f"$HPCGEN_STAGED/{name}" for name in found.names)
        yield f"staged on each node: {where}, for --python, --conda or --venv as well"
        if site.storage.in_memory:
            yield f"--stage: what is staged takes of the job's memory on {site.id}, where local storage is memory"
