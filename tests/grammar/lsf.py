"""LSF: `#BSUB` directives of bsub.

Sources: see lsf_options and lsf_resources. Every option is a word of its own, and so is its value. Stricter than bsub: an
option twice, but -R; a directive after the first command; a $, which bsub does not expand. A word that begins with # ends a
directive, as in the scripts of OLCF's users.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Dict, List, Mapping, Tuple

from . import lsf_resources as resources
from .lsf_options import BARE, VALUE, Draft
from .reading import Bad, at, leading, once, shell_command, words
from .request import Component, Mail, Refused, Request


def parse(text: str, unit: str = "KB") -> Request:
    """The request of a script. A component is its slots, or on CSM its nodes. Raises Refused.

    `unit` is the site's LSF_UNIT_FOR_LIMITS, for amounts without one: KB, MB, GB … Whether rusage[mem] is of a task, a host or
    the job is the site's setting, or written (mem=4GB/host); GPUs of -gpu are of a host unless it says num=N/task.
    """
    draft = Draft(unit)
    seen: Dict[str, object] = {}
    for line, rest in leading(text, "#BSUB", shell_command):
        with at(line):
            split = words(rest)
            if rest and not rest[0].isspace():
                raise Bad(f"#BSUB{rest}: a blank after #BSUB")
            comment = next((i for i, word in enumerate(split) if word.startswith("#")), len(split))
            split = split[:comment]
            while split:
                read(draft, split, seen)
            draft.requirements = [(number or line, one) for number, one in draft.requirements]
    return _request(draft)


def read(draft: Draft, split: List[str], seen: Dict[str, object]) -> None:
    option = split.pop(0)
    if option in BARE:
        reader, value = BARE[option], ""
    elif option in VALUE:
        if not split:
            raise Bad(f"{option} needs a value")
        reader, value = VALUE[option], split.pop(0)
    else:
        raise Bad(f"unknown option {option}" if option.startswith("-") else f"{option!r} is not an option")
    if option != "-R":
        once(seen, option, option)
    seen[option] = True
    if "$" in value and option not in ("-E", "-Ep", "-L"):
        raise Bad(f"{option} {value}: bsub expands no variables in directives")
    reader(draft, value)


def _request(draft: Draft) -> Request:
    """Slots and requirements as components. Several -R are merged; a compound one stands alone."""
    given: List[Tuple[int, resources.Simple]] = []
    for line, text in draft.requirements:
        with at(line):
            parts, compound = resources.requirement(text, draft.unit)
            if compound and len(draft.requirements) > 1:
                raise Bad("a compound requirement beside another -R")
            if not compound:
                for section in set(parts[0][1].sections) & {"span", "cu", "affinity"}:
                    if any(section in other.sections for _, other in given):
                        raise Bad(f"{section}[] in two -R")
                if parts[0][1].mem_mib is not None and any(other.mem_mib is not None for _, other in given):
                    raise Bad("mem in the rusage[] of two -R")
            given += parts
    asked = int(draft.extra["-n"].split(",")[0]) if "-n" in draft.extra else 0
    components = allocated(draft, given, asked)
    each = re.search(r"(?:^|:)num=([0-9]+)/task", draft.extra.get("-gpu", ""))
    if each:
        components = tuple(dataclasses.replace(part, gpus=int(each[1])) for part in components)
    mail = Mail(tuple(draft.events) if draft.events else None, draft.users)
    if draft.extra.get("-n") == str(asked):
        del draft.extra["-n"]
    return Request(components=components, mail=mail, extra=draft.extra, **draft.fields)  # type: ignore[arg-type]


def allocated(draft: Draft, given: List[Tuple[int, resources.Simple]], asked: int) -> Tuple[Component, ...]:
    if "-nnodes" in draft.extra:
        if asked or given:
            raise Refused(0, "-nnodes beside -n or -R: nodes are whole")
        return (Component(int(draft.extra.pop("-nnodes"))),)
    compound = any(number for number, _ in given)
    if not compound:
        merged = merge([part for _, part in given])
        return (resources.component(asked or 1, merged),) if given or asked else ()
    total = sum(number for number, _ in given)
    last = given[-1][0] or asked - total
    if last < 1 or (asked and total + (0 if given[-1][0] else last) != asked):
        raise Refused(draft.requirements[0][0], f"the parts have {total} slots, -n {asked or 'is not given'}")
    numbers = [number for number, _ in given[:-1]] + [last]
    return tuple(resources.component(number, part) for number, (_, part) in zip(numbers, given))


def merge(parts: List[resources.Simple]) -> resources.Simple:
    """Several simple requirements as one: all sections together."""
    sections: Dict[str, str] = {}
    for part in parts:
        for section, text in part.sections.items():
            joint = {"select": " && ", "rusage": ",", "order": ":", "same": ":"}.get(section, " ")
            sections[section] = f"{sections[section]}{joint}{text}" if section in sections else text

    def first(values: List[object]) -> object:
        return next((value for value in values if value is not None), None)

    found: Mapping[str, object] = {key: first([getattr(part, key) for part in parts]) for key in ("mem_mib", "cpus", "gpus")}
    return resources.Simple(sections, **found)  # type: ignore[arg-type]
