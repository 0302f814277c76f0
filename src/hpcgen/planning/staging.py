"""Files, folders and archives that are copied to each node before the program starts."""

from __future__ import annotations

from typing import Iterator, List, Optional

from hpcgen.base.errors import RequestError
from hpcgen.inputs.places import staged_name
from hpcgen.model.job import Origin, Stage
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request


def stage(site: Site, request: Request) -> Optional[Stage]:
    """What is staged, and into which folder of the node. Raises RequestError if two would get the same name."""
    names: List[str] = []
    for path in request.stage:
        name = staged_name(path)
        if name in ("", ".", "..", "~"):
            raise RequestError(f"--stage {path}: the path does not end in a name: name the folder or the file")
        if name in names:
            raise RequestError(f"--stage {path}: another staged path also has the name {name}: rename one of them")
        names.append(name)
    if not names:
        return None
    known = site.storage.local and not site.storage.in_memory
    why = site.cite("storage", "local") if known else Origin("rule", "no local disk is known: $TMPDIR, or /tmp")
    parent = site.storage.local if known else None
    return Stage(paths=tuple(request.stage), names=tuple(names), parent=parent, origins={"parent": why})


def notes(site: Site, found: Optional[Stage]) -> Iterator[str]:
    """Notes: where to find the copies, and whether they use the job's memory."""
    if found:
        where = ", ".join(f"$HPCGEN_STAGED/{name}" for name in found.names)
        yield f"staged on each node: {where}; these paths also work with --python, --conda and --venv"
        if site.storage.in_memory:
            yield f"--stage: local storage on {site.id} is memory, so staged files use the job's memory"
