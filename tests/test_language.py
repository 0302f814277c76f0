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
    r"|\bof its own (kind|class)\b|\bwhom\b|\bwhoever\b|\bfor want of\b|\bnobody\b|\b(is|are|be) told\b|\bwithout a word\b"
    r"|\bnot to be had\b"
)
PATHS = [
    *sorted((TOP / "src").rglob("*.py")),
    *sorted(path for path in (TOP / "templates").rglob("*") if path.is_file()),
    *sorted((TOP / "docs").rglob("*.md")),
    TOP / "docs/options.py",
    TOP / "README.md",
    TOP / "CONTRIBUTING.md",
]


def found(text: str) -> List[str]:
    """The banned constructions in a text, also those that are broken over two lines of it."""
    return [match[0] for match in BANNED.finditer(re.sub(r"[\s#\"]+", " ", text))]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(TOP)))
def test_plain_english(path: Path) -> None:
    assert found(path.read_text()) == []


def test_what_is_banned_is_found() -> None:
    assert found('the rest,\n    # of which one "\n    "is told of') == ["of which", "is told of"]
    assert found("the part of the answer; it tells how to amend a request") == []
