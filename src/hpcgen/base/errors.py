"""The errors that hpcgen raises: each problem is one clear line, and one error may carry several."""

from __future__ import annotations

from typing import Iterable, Sequence, Tuple


class HpcgenError(Exception):
    """Base of all errors; ``problems`` holds one printable line each. ``status`` is the command's exit status."""

    status = 2

    def __init__(self, *problems: str) -> None:
        self.problems: Tuple[str, ...] = tuple(printable(problem) for problem in problems)
        super().__init__("\n".join(self.problems))


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


def nearest(word: str, known: Iterable[str], alike: float = 0.55) -> str:
    """`` – did you mean 'x'?`` for the closest known word, else the empty string; `alike` is the least ratio of difflib's."""
    import difflib

    close = difflib.get_close_matches(word, list(known), 1, alike)
    return f" – did you mean '{close[0]}'?" if close else ""


def among(word: str, known: Sequence[str]) -> str:
    """The nearest known word or, where none is near, all of them."""
    return nearest(word, known) or (f" – known: {', '.join(known)}" if known else "")
