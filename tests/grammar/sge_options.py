"""The options of Grid Engine's qsub: how many words follow each, and what they say.

Source: Son of Grid Engine 8.1.9 submit(1) and sge_types(5).
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from . import sge_resources as kinds
from .reading import Bad, matched, once, split_outside, steps
from .request import Array, Environment, Mail


class Draft:
    def __init__(self, complexes: Mapping[str, str]) -> None:
        self.complexes = complexes
        self.fields: Dict[str, object] = {}
        self.extra: Dict[str, str] = {}
        self.resources: Dict[str, object] = {}
        self.soft = False

    def environment(self) -> Environment:
        found = self.fields.get("environment", Environment())
        assert isinstance(found, Environment)
        return found

    def mail(self) -> Mail:
        found = self.fields.get("mail", Mail())
        assert isinstance(found, Mail)
        return found


class Option(NamedTuple):
    """How many words follow it, and what they do."""

    words: int
    read: Callable[[Draft, List[str]], None]


NAME = r"[^\s/:@\\*?]+"  # sge_types(5), name
OBJECT = r"[^\s/:'\\\[\]{}|()@%,\"]+"  # sge_types(5), object_name


def field(name: str, pattern: str = r".+", what: str = "a value", limit: int = 0) -> Option:
    def read(draft: Draft, value: List[str]) -> None:
        if limit and len(value[0]) > limit:
            raise Bad(f"the job's name has {len(value[0])} characters, of {limit} at most")
        draft.fields[name] = matched(pattern, value[0], what)[0]

    return Option(1, read)


def other(name: str, pattern: Optional[str]) -> Option:
    """An option without a field of its own, kept as it is; without a pattern it has no value."""

    def read(draft: Draft, value: List[str]) -> None:
        draft.extra[f"-{name}"] = matched(pattern, value[0], f"a value of -{name}")[0] if pattern else ""

    return Option(1 if pattern else 0, read)


def yes(text: str) -> bool:
    return matched("y|yes|n|no", text, "y[es] or n[o]")[0].startswith("y")


def joined(draft: Draft, value: List[str]) -> None:
    draft.fields["joined"] = "oe" if yes(value[0]) else None


def rerun(draft: Draft, value: List[str]) -> None:
    draft.fields["rerun"] = yes(value[0])


EVENTS = {"b": "begin", "e": "end", "a": "fail", "s": "suspend"}


def mail(draft: Draft, value: List[str]) -> None:
    """n, or letters one after the other: the commas that the manual shows are refused by qsub."""
    letters = matched("n|[abes]+", value[0], "n, or some of b, e, a, s, without commas")[0]
    if len(set(letters)) < len(letters):
        raise Bad(f"-m {value[0]}: an event twice")
    draft.fields["mail"] = Mail(() if letters == "n" else tuple(EVENTS[letter] for letter in letters), draft.mail().users)


def users(draft: Draft, value: List[str]) -> None:
    found = tuple(matched(r"[^\s@,]+(?:@[\w.-]+)?", user, "user[@host],…")[0] for user in value[0].split(","))
    draft.fields["mail"] = Mail(draft.mail().events, found)


def path(name: str) -> Option:
    """[[host]:]path,…; of variables only those that the job's own system expands."""

    def read(draft: Draft, value: List[str]) -> None:
        for found in re.findall(r"\$\{?(\w*)", value[0]):
            if found not in ("HOME", "USER", "JOB_ID", "JOB_NAME", "HOSTNAME", "TASK_ID"):
                raise Bad(f"${found} is not expanded in a path")
        draft.fields[name] = value[0]

    return Option(1, read)


def everything(draft: Draft, value: List[str]) -> None:
    draft.fields["environment"] = Environment(True, draft.environment().variables)


def variables(draft: Draft, value: List[str]) -> None:
    found: List[Tuple[str, Optional[str]]] = []
    for part in split_outside(value[0], ","):
        name, equals, text = part.partition("=")
        matched(r"[A-Za-z_]\w*", name, "a variable's name")
        if any(name == one for one, _ in found):
            raise Bad(f"the variable {name} is given twice")
        found.append((name, text if equals else None))
    draft.fields["environment"] = Environment(draft.environment().all, tuple(found))


def array(draft: Draft, value: List[str]) -> None:
    """One range from 1 on: N, N-M or N-M:S. A single number is one task of that index."""
    found = steps(value[0], "N or N-M[:S]")
    if found[0] < 1:
        raise Bad("0 is no task's index: they begin at 1")
    draft.fields["array"] = Array((found,))


def parallel(draft: Draft, value: List[str]) -> None:
    """A name or pattern, and slots: n, n-m, n-, -m, and lists of them."""
    matched(r"[^\s/:'\\{}()@%,\"]+", value[0], "a parallel environment")
    least = []
    for part in value[1].split(","):
        match = matched(r"([0-9]+)(-)?([0-9]+)?|-([0-9]+)", part, "slots: n, n-m, n- or -m")
        low, high = int(match[1] or 1), int(match[3] or match[4] or match[1] or 1)
        if not low or not high or high < low or (match[3] and not match[2]):
            raise Bad(f"{part!r}: slots from 1 on, the larger number last")
        least.append(low)
    draft.extra["-pe"] = " ".join(value)
    draft.fields["slots"] = min(least)


def resources(draft: Draft, value: List[str]) -> None:
    """name=value,…, each name once in the script; soft requests are kept apart, since nobody can count on them."""
    for part in split_outside(value[0], ","):
        given, equals, text = part.partition("=")
        name = kinds.SHORT.get(given, given) if given not in draft.complexes else given
        if name == "slots" or given == "s":
            raise Bad("slots are asked for with -pe")
        kind = draft.complexes.get(name)
        if kind is None:
            raise Bad(f"{name}: no resource that every Grid Engine has; is it this site's own?")
        if not equals and kind != "BOOL":
            raise Bad(f"{name} needs a value")
        try:
            read = kinds.KINDS[kind](text if equals else "true")
        except Bad as why:
            raise Bad(f"{name}: {why}") from None
        key = f"soft {name}" if draft.soft else name
        once(draft.extra, key, f"the resource {key}")
        draft.extra[key] = text if equals else "true"
        if not draft.soft:
            draft.resources[name] = read


def harden(soft: bool) -> Option:
    def read(draft: Draft, value: List[str]) -> None:
        draft.soft = soft

    return Option(0, read)


def here(draft: Draft, value: List[str]) -> None:
    draft.fields["workdir"] = "."


JOBS = rf"{NAME}(?:,{NAME})*"
SWITCH = "y|yes|n|no"
OTHERS: Dict[str, Optional[str]] = {
    "a": r"(?:[0-9]{2}){4,6}(?:\.[0-9]{2})?",
    "ac": r"\w+(?:=[^,]*)?(?:,\w+(?:=[^,]*)?)*",
    "ar": "[0-9]+",
    "b": SWITCH,
    "binding": r"(?:linear|striding|explicit)(?::[0-9,:]+)?",
    "c": "[nsmx]+|[0-9:]+",
    "ckpt": OBJECT,
    "h": None,
    "hold_jid_ad": JOBS,
    "i": r"\S+",
    "masterq": r"\S+",
    "notify": None,
    "now": SWITCH,
    "p": "-?[0-9]+",
    "R": SWITCH,
    "shell": SWITCH,
    "sync": SWITCH,
    "tc": "[1-9][0-9]*",
    "terse": None,
    "w": "[ewnpv]",
}
OPTIONS: Dict[str, Option] = {
    **{name: other(name, pattern) for name, pattern in OTHERS.items()},
    "A": field("account", NAME, "an account's name"),
    "cwd": Option(0, here),
    "e": path("error"),
    "hard": harden(False),
    "hold_jid": field("dependency", JOBS, "jobs' ids or names"),
    "j": Option(1, joined),
    "l": Option(1, resources),
    "m": Option(1, mail),
    "M": Option(1, users),
    "N": field("name", r"(?![0-9])[^\s/:@\\*?]+", "a job's name: no blank, none of / : @ \\ * ?, no digit first", 512),
    "o": path("output"),
    "P": field("project", OBJECT, "a project"),
    "pe": Option(2, parallel),
    "q": field("queue", r"[^\s']+", "queues"),
    "r": Option(1, rerun),
    "S": field("shell", r"\S*/\S+", "the path of a shell"),
    "soft": harden(True),
    "t": Option(1, array),
    "v": Option(1, variables),
    "V": Option(0, everything),
    "wd": field("workdir", r"\S+", "a folder"),
}
AGAIN = ("-l", "-hard", "-soft")
