"""The options that OpenPBS, PBS Pro and Torque share, and how a script's directives are gathered into a draft.

Sources: OpenPBS qsub(1B), 2022 (doc/man1/qsub.1B, commit 1dd4c360); where it is silent, what qsub does: src/cmds/qsub.c
(process_opts, make_argv), src/lib/Libcmds/ck_job_name.c, chk_Jrange.c, check_job_script.c. Torque qsub(1B) of 2.4.16 and 4.1.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from .reading import Bad, at, leading, matched, once, options, split_outside, steps, words
from .request import Array, Environment, Mail, Refused, Request


class Said(NamedTuple):
    """A resource as written, and its line; a resource without = has no value."""

    line: int
    value: Optional[str]


class Draft:
    """What has been read so far: fields of the request, the rest, and the resources, which each dialect judges as a whole."""

    def __init__(self) -> None:
        self.fields: Dict[str, object] = {}
        self.extra: Dict[str, str] = {}
        self.resources: Dict[str, Said] = {}
        self.line = 0

    def set(self, field: str, value: object) -> None:
        self.fields[field] = value

    def request(self, **more: object) -> Request:
        return Request(**{**self.fields, **more}, extra=self.extra)  # type: ignore[arg-type]


Reader = Callable[[Draft, str], None]
AGAIN = "lW"  # options that may come several times, because they add up

WORDS = {"a": "fail", "b": "begin", "e": "end", "f": "fail", "j": "each"}
JOB_ID = r"[0-9]+(?:\[[0-9]*\])?(?:\.[A-Za-z0-9][\w.-]*)?(?:@[\w.-]+)?"


def command(line: str) -> bool:
    """Whether qsub stops looking for directives here (pbs_isexecutable); a line that begins with : is no command to it."""
    bare = line.strip()
    return bool(bare) and not bare.startswith("#") and not line.startswith(":")


def gather(text: str, readers: Mapping[str, Reader], bare: str, variables_in: str) -> Draft:
    """All directives of a script. qsub expands no variables: a $ is refused but in the options that say they do."""
    draft = Draft()
    seen: Dict[str, object] = {}
    takes = "".join(letter for letter in readers if letter not in bare)
    for line, rest in leading(text, "#PBS", command):
        with at(line):
            draft.line = line
            if rest.rstrip().endswith("\\"):
                raise Bad("a directive that goes on in the next line: write two")
            for letter, value in options(words(rest), takes, bare):
                if letter not in AGAIN:
                    once(seen, letter, f"-{letter}")
                seen[letter] = True
                if "$" in value and letter not in variables_in:
                    raise Bad(f"-{letter} {value}: qsub expands no variables in directives")
                readers[letter](draft, value)
    return draft


def string(field: str) -> Reader:
    return lambda draft, value: draft.set(field, value)


def other(letter: str, pattern: str, what: str) -> Reader:
    """An option without a field of its own, kept as it is."""

    def read(draft: Draft, value: str) -> None:
        matched(pattern, value, what)
        draft.extra[f"-{letter}"] = value

    return read


def name(pattern: str, limit: int, what: str) -> Reader:
    def read(draft: Draft, value: str) -> None:
        if len(value) > limit:
            raise Bad(f"the job's name has {len(value)} characters, of {limit} at most")
        draft.set("name", matched(pattern, value, f"a job's name: {what}")[0])

    return read


def project(draft: Draft, value: str) -> None:
    draft.set("project", matched(r'[^][/";:|<>+,?*]+', value, 'a project: none of / [ ] " ; : | < > + , ? *')[0])


def queue(draft: Draft, value: str) -> None:
    """A queue's name has up to 15 characters, the first alphabetic (PBS Professional Reference Guide, queue attributes)."""
    draft.set("queue", matched(r"[A-Za-z][\w-]{0,14}(?:@[\w.-]+)?|@[\w.-]+", value, "a queue")[0])


def joined(draft: Draft, value: str) -> None:
    matched("oe|eo|n", value, "oe, eo or n")
    draft.set("joined", None if value == "n" else value)


def mail(events: str) -> Reader:
    def read(draft: Draft, value: str) -> None:
        given = "" if value == "n" else matched(f"[{events}]+", value, f"n or some of {events}")[0]
        if len(set(given)) < len(given):
            raise Bad(f"-m {value}: an event twice")
        if given == "j":
            raise Bad("-m j needs one or more of a, b, e beside it")
        draft.set("mail", Mail(tuple(WORDS[letter] for letter in given), _mail(draft).users))

    return read


def users(draft: Draft, value: str) -> None:
    found = tuple(value.split(","))
    for user in found:
        matched(r"[^\s@,]+(?:@[\w.-]+)?", user, "user[@host],…")
    draft.set("mail", Mail(_mail(draft).events, found))


def _mail(draft: Draft) -> Mail:
    found = draft.fields.get("mail", Mail())
    assert isinstance(found, Mail)
    return found


def _environment(draft: Draft) -> Environment:
    found = draft.fields.get("environment", Environment())
    assert isinstance(found, Environment)
    return found


def everything(draft: Draft, value: str) -> None:
    draft.set("environment", Environment(True, _environment(draft).variables))


def variables(draft: Draft, value: str) -> None:
    """NAME or NAME=value, between commas; a value with commas is in quotes, and the pair in quotes of the other kind."""
    found: List[Tuple[str, Optional[str]]] = []
    for part in split_outside(value, ","):
        key, equals, text = part.partition("=")
        matched(r"[A-Za-z_]\w*", key, "a variable's name")
        if any(key == other for other, _ in found):
            raise Bad(f"the variable {key} is given twice")
        if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
            text = text[1:-1]
        found.append((key, text if equals else None))
    draft.set("environment", Environment(_environment(draft).all, tuple(found)))


def rerun(draft: Draft, value: str) -> None:
    draft.set("rerun", matched("y|n", value, "y or n")[0] == "y")


def priority(draft: Draft, value: str) -> None:
    if not -1024 <= int(matched("[+-]?[0-9]+", value, "a priority")[0]) <= 1023:
        raise Bad(f"-p {value}: from -1024 to 1023")
    draft.extra["-p"] = value


def resources(draft: Draft, value: str) -> None:
    """name=value or a bare name, between commas. Each resource once in the script."""
    for part in split_outside(value, ","):
        key, equals, text = part.partition("=")
        matched(r"[A-Za-z][\w-]*", key, "a resource's name")
        if equals and not text:
            raise Bad(f"{key}= without a value")
        once(draft.resources, key, f"the resource {key}")
        draft.resources[key] = Said(draft.line, text if equals else None)


def array(draft: Draft, value: str) -> None:
    """X-Y[:Z][%max], X below Y: qsub(1B) -J, chk_Jrange.c."""
    match = matched(r"([0-9:-]+)(?:%([0-9]+))?", value, "X-Y[:Z][%max]")
    throttle = int(match[2]) if match[2] else None
    if throttle == 0:
        raise Bad(f"-J {value}: none of it may run")
    draft.set("array", Array((steps(match[1], "X-Y[:Z]", single=False),), throttle))


def attributes(known: Mapping[str, str], kinds: str) -> Reader:
    """-W name=value[,name=value…]: what each value may be, and the types of dependency.

    A comma is also within a list of dependencies; a piece begins a new attribute where it names one.
    """
    dependency = rf"on:[1-9][0-9]*|(?:{kinds}):{JOB_ID}(?::{JOB_ID})*"

    def read(draft: Draft, value: str) -> None:
        pieces: List[List[str]] = []
        for piece in value.split(","):
            key, equals, text = piece.partition("=")
            if equals and (not pieces or re.fullmatch(r"\w+", key)):
                pieces.append([key, text])
            elif pieces:
                pieces[-1][1] += f",{piece}"
            else:
                raise Bad(f"-W {value}: name=value")
        for key, text in pieces:
            if key == "depend":
                once(draft.fields, "dependency", "-W depend")
                for part in text.split(","):
                    matched(dependency, part, "a dependency, type:job[:job…]")
                draft.set("dependency", text)
            elif key in known:
                once(draft.extra, key, f"-W {key}")
                draft.extra[key] = matched(known[key], text, f"a value of {key}")[0]
            else:
                raise Bad(f"-W {key}: no such attribute")

    return read


COMMON: Dict[str, Reader] = {
    "a": other("a", r"(?:[0-9]{2}){2,6}(?:\.[0-9]{2})?", "[[[[CC]YY]MM]DD]hhmm[.SS]"),
    "A": string("account"),
    "e": string("error"),
    "h": other("h", "", "without a value"),
    "I": other("I", "", "without a value"),
    "j": joined,
    "l": resources,
    "M": users,
    "o": string("output"),
    "p": priority,
    "q": queue,
    "r": rerun,
    "S": string("shell"),
    "u": other("u", r"[^\s@,]+(?:@[\w.-]+)?(?:,[^\s@,]+@[\w.-]+)*", "user[@host],…"),
    "v": variables,
    "V": everything,
    "X": other("X", "", "without a value"),
}


def refuse(draft: Draft, resource: str, why: str) -> Refused:
    return Refused(draft.resources[resource].line, why)
