"""The errors that hpcgen raises: each problem is one clear line, and one error may carry several."""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, NamedTuple, Optional, Sequence, Tuple, Union


class Problem(NamedTuple):
    """One problem: its line of text, and the parts of that line as far as they are known.

    `option` is the option, or the key in the file, `value` what the user gave it, `limit` the maximum (or minimum),
    `source` the document that states the limit, `advice` what to do.
    """

    text: str
    option: Optional[str] = None
    value: Optional[str] = None
    limit: Optional[str] = None
    source: Optional[str] = None
    advice: Optional[str] = None

    @classmethod
    def of(cls, text: str, **known: Optional[str]) -> Problem:
        """Parse a line: ``--option value: what is wrong: what to do``. The parts in `known` replace what was parsed."""
        return cls(text, **{**_read(text), **known})


class HpcgenError(Exception):
    """Base of all errors. ``problems`` holds one printable line for each problem, ``details`` the same lines in parts.

    ``status`` is the exit status of the command.
    """

    status = 2

    def __init__(self, *problems: Union[str, Problem]) -> None:
        found = [problem if isinstance(problem, Problem) else Problem(problem) for problem in problems]
        self.problems: Tuple[str, ...] = tuple(printable(problem.text) for problem in found)
        self._given = tuple(found)
        super().__init__("\n".join(self.problems))

    @property
    def details(self) -> Tuple[Problem, ...]:
        known = [{key: value for key, value in given._asdict().items() if value is not None} for given in self._given]
        return tuple(Problem.of(**{**one, "text": text}) for one, text in zip(known, self.problems))

    def to_json(self) -> str:
        """The error as JSON: its name, the exit status and the details."""
        import json

        return json.dumps(
            {"error": type(self).__name__, "status": self.status, "problems": [one._asdict() for one in self.details]}
        )


class RequestError(HpcgenError):
    """What was asked for is misspelt, contradictory or cannot be said to this scheduler."""


class LimitError(RequestError):
    """What was asked for is more than the site allows."""


class SiteError(HpcgenError):
    """A profile is missing, misspelt or contradicts itself."""


class TemplateError(HpcgenError):
    """A template names something that does not exist."""


class SubmitError(HpcgenError):
    """The work itself failed: a scheduler refused the script or a file could not be written."""

    status = 1


def printable(text: str) -> str:
    """One line whatever was in it: control characters are shown escaped, not sent to a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def nearest(word: str, known: Iterable[str], alike: float = 0.75) -> str:
    """`` – did you mean 'x'?`` for the one known word that begins with this one, or else for a word that is much like it.

    `alike` is the least ratio of difflib's. The empty string if no word is near.
    """
    import difflib

    names = list(known)
    begun = [name for name in names if len(word) > 2 and name.replace("_", "-").startswith(word.replace("_", "-"))]
    close = begun if len(begun) == 1 else difflib.get_close_matches(word, names, 1, alike)
    return f" – did you mean '{close[0]}'?" if close else ""


def among(word: str, known: Sequence[str]) -> str:
    """The nearest known word or, where none is near, all of them."""
    return nearest(word, known) or (f" – known: {', '.join(known)}" if known else "")


# --- the parts of a problem's line

# What may contain a colon: a source in brackets, and quoted text.
_WHOLE = r"\[[^\]]*\]|(?<!\w)'[^']*'(?!\w)|`[^`]*`"
_OPTION = rf"(--[a-z][a-z0-9-]*)(?: ({_WHOLE}|\S+))?"
_AMOUNT = r"(?:\w+=)?\d(?:[\w.-]|:(?=\d))*"
_ALLOWED = r"(?:allows?|gives?|takes?|has|lets|gets?|is for|at most|no less than|of at most|below|arrays of)"
_ADVICE = (
    r"(add|ask|choose|close|correct|give|install|leave|load|look|name|pip install|put|request|run|say|see|submit|take|use"
    r"|write)\b"
)


def _read(text: str) -> Dict[str, Optional[str]]:
    head, *rest = _split(text)
    found: Dict[str, Optional[str]] = {}
    file = bool(rest and re.search(r"\.toml$|^(request|command line)$", head))
    if file:
        head, *rest = rest
    if match := re.fullmatch(_OPTION, head):
        found.update(option=match[1], value=match[2] and match[2].strip("'"))
    elif rest and re.fullmatch(r"[a-z_]+(\.[\w-]+)*" if file else r"program|site|[a-z_]+(\.[\w-]+)+", head):
        found["option"] = head
    elif match := re.match(r"--[a-z][a-z0-9-]*", head):
        found["option"] = match[0]
    if not found.get("value") and rest and (match := re.match(r"(?:[a-z]+ )*'([^']*)'(?!\w)", rest[0])):
        found["value"] = match[1]
    bare = re.sub(_WHOLE, "", ": ".join(rest if found else (head, *rest)))
    if match := re.search(r"\[([^\]]+, (?:read )?\d{4}-\d{2}-\d{2})\]", text):
        found["source"] = match[1]
    if match := re.search(rf"\b{_ALLOWED}\s+(?:only |at most |only jobs of )?({_AMOUNT})", bare):
        found["limit"] = match[1]
    found["advice"] = next(_advice(text, rest), None)
    return found


def _advice(text: str, rest: Sequence[str]) -> Iterator[str]:
    for part in reversed(rest):
        if re.match(_ADVICE, part, re.IGNORECASE):
            yield part.partition("; ")[0]
    if match := re.search(r" – ((?:did you mean|known:) .*)", text):
        yield match[1]


def _split(text: str) -> Sequence[str]:
    """Split at colons, but not within quotes or brackets."""
    parts, start = [], 0
    for match in re.finditer(rf"{_WHOLE}|: ", text):
        if match[0] == ": ":
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]
