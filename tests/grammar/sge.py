"""Grid Engine: `#$` directives of qsub.

Sources: Son of Grid Engine 8.1.9 submit(1), sge_types(5), complex(5); the same cases are put to the real qsub of that version
(tests/cluster/test_grammar.py). A line counts as a directive wherever it stands, but its #$ must be its first two characters.
Stricter than qsub, which takes these: an option or a resource twice (the last wins, with a warning), -cwd beside -wd, a time of
nothing, ranges backwards, a resource without its value, a memory that is not whole.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Optional, Tuple

from . import sge_resources as kinds
from .reading import Bad, at, lines, once, words
from .request import Array, Component, Refused, Request
from .sge_options import AGAIN, OPTIONS, Draft, Option, other


def directives(text: str) -> List[Tuple[int, List[str]]]:
    """The words of each directive. A word that begins with # ends it: the rest is a comment (8.1.9 does so)."""
    found = []
    for number, line in lines(text):
        if re.match(r"\s+#\$\s*-[A-Za-z]", line):
            raise Refused(number, "a directive that is indented: it is silently ignored")
        if line.startswith("#$"):
            with at(number):
                split = words(line[2:])
            comment = next((i for i, word in enumerate(split) if word.startswith("#")), len(split))
            found.append((number, split[:comment]))
    return found


def parse(
    text: str,
    complexes: Optional[Mapping[str, str]] = None,
    memory: str = "h_vmem",
    gpus: Optional[str] = None,
    more: Optional[Mapping[str, Optional[str]]] = None,
) -> Request:
    """The request of a script; its component's count is its slots, one CPU each. Raises Refused.

    `complexes` are the site's own resources, name → type (INT, MEMORY, BOOL …); `memory` and `gpus` name the memory and the
    GPUs of a slot; `more` are options that this site's qsub has beyond 8.1.9's, name → pattern of the value, or None.
    """
    known = {**OPTIONS, **{name: other(name, pattern) for name, pattern in (more or {}).items()}}
    draft = Draft({**kinds.COMPLEXES, **(complexes or {})})
    seen: Dict[str, int] = {}
    for line, split in directives(text):
        with at(line):
            while split:
                read(draft, known, split, seen, line)
    return _request(draft, seen, memory, gpus)


def read(draft: Draft, known: Mapping[str, Option], split: List[str], seen: Dict[str, int], line: int) -> None:
    """Take the first option, and its words, off a directive."""
    name = split.pop(0)
    if not name.startswith("-"):
        raise Bad(f"{name!r} is not an option")
    if name[1:] not in known:
        raise Bad(f"unknown option {name}")
    option = known[name[1:]]
    value = split[: option.words]
    del split[: option.words]
    if len(value) < option.words:
        raise Bad(f"{name} needs {'a value' if option.words == 1 else 'a name and slots'}")
    if name not in AGAIN:
        once(seen, name, name)
    seen[name] = line
    option.read(draft, value)


def _request(draft: Draft, seen: Mapping[str, int], memory: str, gpus: Optional[str]) -> Request:
    """What holds between options, and the slots as a component."""
    if "-cwd" in seen and "-wd" in seen:
        raise Refused(0, "-cwd beside -wd")
    if not -1023 <= int(draft.extra.get("-p", "0")) <= 1024:
        raise Refused(seen["-p"], f"a priority of {draft.extra['-p']}: from -1023 to 1024")
    array = draft.fields.get("array")
    if "-tc" in seen:
        if not isinstance(array, Array):
            raise Refused(seen["-tc"], "-tc without -t")
        draft.fields["array"] = Array(array.ranges, int(draft.extra.pop("-tc")))
    hard = draft.resources
    for name in set(hard) & {"h_rt", memory, gpus}:
        del draft.extra[name]
    slots = draft.fields.pop("slots", 1)
    component = Component(count=slots, cpus=1, mem_mib=hard.get(memory), gpus=hard.get(gpus or ""))  # type: ignore[arg-type]
    fields = {**draft.fields, "walltime": hard.get("h_rt"), "components": (component,), "extra": draft.extra}
    return Request(**fields)  # type: ignore[arg-type]
