"""Explains a script: the origins of every line."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from msgspec import Struct

from hpcgen import schedulers
from hpcgen.base import paths
from hpcgen.base.paths import Rooms
from hpcgen.model.job import Job, Origin
from hpcgen.planning.origins import item_key
from hpcgen.script import render


class ExplainedLine(Struct, frozen=True):
    """A line, its origins and, if it contains no values, the template that contains it."""

    text: str
    origins: Tuple[Origin, ...] = ()
    template: Optional[str] = None


MARK = re.compile("\0(\\d+)\0")


class Tracing(render.Templates):
    """Jinja that writes a mark after each value: the index of the value's origins in `origins`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.origins: List[Tuple[Origin, ...]] = []
        self.read: Tuple[Origin, ...] = ()
        for name in ("word", "path", "expanding", "quoted"):
            if name in self.filters:
                self.filters[name] = _keeping_marks(self.filters[name])

    def getattr(self, obj: Any, attribute: str) -> Any:
        value = super().getattr(obj, attribute)
        origins = getattr(obj, "origins", None) or {}
        found = _several(origins.get(attribute, ()))
        if isinstance(value, tuple) and found:
            self.read = ()
            return tuple(self._marked_item(item, _several(origins.get(item_key(attribute, item), found))) for item in value)
        self.read = found
        return value

    def shown(self, value: Any) -> Any:
        read, self.read = self.read, ()
        return super().shown(value) if value is None or not read else self._marked(str(value), read)

    def _marked_item(self, item: Any, found: Tuple[Origin, ...]) -> Any:
        return tuple(self._marked(part, found) for part in item) if isinstance(item, tuple) else self._marked(item, found)

    def _marked(self, text: str, found: Tuple[Origin, ...]) -> str:
        self.origins.append(found)
        mark = f"\0{len(self.origins) - 1}\0"
        return text.replace("\n", f"{mark}\n") + mark


def _several(found: Any) -> Tuple[Origin, ...]:
    return found if isinstance(found, tuple) else (found,)


def _keeping_marks(filter_: Callable[[str], str]) -> Callable[[Any], Any]:
    """Return a filter that removes the marks, applies `filter_`, and adds the last mark to each line of the result."""

    def kept(value: Any) -> Any:
        if not isinstance(value, str) or not MARK.search(value):
            return filter_(value)
        lines = str(filter_(MARK.sub("", value))).split("\n")
        mark = MARK.findall(value)[-1]
        return "\n".join(f"{line}\0{mark}\0" for line in lines)

    return kept


def explain(job: Job, rooms: Optional[Rooms] = None, launch: bool = True) -> List[ExplainedLine]:
    """The lines of ``render(job, rooms)`` with their origins. If `launch` is false, leave out those that start programs."""
    found = rooms or paths.rooms()
    environment = Tracing(found, schedulers.get(job.scheduler).filters, bytecode_cache=render.compiled())
    marked = render.finished(render.text(environment, job, found, launch), job)
    sources = {}
    for name in render.templates(job):
        text = render.source(name, found)
        sources[name] = {*text.splitlines(), *render.indented(text).splitlines()}
    return [_line(line, environment.origins, sources) for line in marked.split("\n")[:-1]]


def _line(marked: str, origins: List[Tuple[Origin, ...]], sources: Dict[str, Set[str]]) -> ExplainedLine:
    found: Dict[str, Origin] = {}
    for number in MARK.findall(marked):
        found.update({str(origin): origin for origin in origins[int(number)]})
    text = MARK.sub("", marked)
    template = None if found else next((f"templates/{name}" for name, lines in sources.items() if text and text in lines), None)
    return ExplainedLine(text, tuple(found.values()), template)
