"""Plain English: constructions that make a reader stop are not used in messages, docstrings, comments and manuals."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

import pytest

TOP = Path(__file__).parent.parent
# Inverted clauses and riddles. A person who meets one of them must read the sentence twice.
BANNED = re.compile(
    r"\b(is|are|be) told of\b|\bof which\b|\bof whom\b|\bwhat is meant for\b|\bwherefrom\b|\bby that\b|\bis to be said\b"
    r"|\bof no use\b|\bmend(s|ed)?\b|\bnothing uses it\b|\bis no (name|whole number|place)\b|\bhas no use for\b"
    r"|\bof its own (kind|class)\b"
)
ROOMS = ("planning", "workloads", "schedulers", "launch", "model", "cost", "install", "jobqueue", "base", "request")
# Not yet clean: src/hpcgen/inputs, script, dask, ray, cli, profiles/facts.py; templates/; README.md and docs/.
PATHS = [
    *(path for room in ROOMS for path in sorted((TOP / "src/hpcgen" / room).glob("*.py"))),
    *(TOP / "src/hpcgen/profiles" / name for name in ("validate.py", "listing.py", "load.py")),
]


def found(text: str) -> List[str]:
    """The banned constructions in a text, also those that are broken over two lines of it."""
    return [match[0] for match in BANNED.finditer(re.sub(r"[\s#\"]+", " ", text))]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(TOP)))
def test_plain_english(path: Path) -> None:
    assert found(path.read_text()) == []


def test_what_is_banned_is_found() -> None:
    assert found('the rest,\n    # of which nobody "\n    "is told of') == ["of which", "is told of"]
    assert found("the part of the answer; it tells how to amend a request") == []
