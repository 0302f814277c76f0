"""Quoting for bash: the only place where a value becomes part of a command line."""

from __future__ import annotations

import json
import re
import shlex
from typing import Iterable


def word(text: str) -> str:
    """One word of a command, whatever it contains.

    It is always a single line: sbatch reads #PBS and #BSUB between commands (run on 22.05), Grid Engine #$. sbatch also drops
    blank lines from scripts of heterogeneous jobs, and refuses every script that contains \\r\\n.
    """
    return _ansi(text) if "\n" in text or "\r" in text else shlex.quote(text)


def path(text: str) -> str:
    """A path as one word, never an option. A leading ``~/`` is the home folder of the user who runs the script, and a leading
    ``$HPCGEN_STAGED/`` the node's folder for staged files."""
    if text.startswith("-"):
        text = f"./{text}"
    if text == "~" or text.startswith("~/"):
        return '"$HOME"' + (shlex.quote(text[1:]) if len(text) > 1 else "")
    if text.startswith("$HPCGEN_STAGED/"):
        return '"$HPCGEN_STAGED"' + shlex.quote(text[len("$HPCGEN_STAGED") :])
    return shlex.quote(text)


def expanding(text: str) -> str:
    """One word in which ``$NAME`` and ``${NAME}`` are variables of the job, and nothing else is special.

    It is in double quotes, so that an unset variable gives an empty word.
    """
    text = f"$HOME{text[1:]}" if text == "~" or text.startswith("~/") else text
    if "$" not in text:
        return word(text)
    variable = r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})"
    return '"' + re.sub(rf'({variable})|([$`"\\])', lambda found: found[1] or f"\\{found[2]}", text, flags=re.ASCII) + '"'


def listed(places: Iterable[str]) -> str:
    """Plain words for double quotes, each followed by a comma; ``~/`` is the home folder, as in `path`."""
    return "".join(f"$HOME{place[1:]}," if place.startswith("~/") else f"{place}," for place in places)


# Keywords and builtins of bash. Source: bash(1); `compgen -k -b`.
OWN = frozenset(
    "! . : [ [[ ]] alias bg bind break builtin caller case cd command compgen complete compopt continue coproc declare "
    "dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi for function getopts hash help "
    "history if in jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return select set "
    "shift shopt source suspend test then time times trap true type typeset ulimit umask unalias unset until wait while "
    "{ }".split()
)


def join(words: Iterable[str]) -> str:
    return " ".join(map(word, words))


def yaml(text: str) -> str:
    """A YAML scalar with exactly this text: plain if every YAML reader takes it as text, otherwise quoted."""
    plain = re.fullmatch(r"(?:[A-Za-z_-][A-Za-z_]|[A-Za-z])(?:[\w.=<>~!*+/,-]|:(?=[\w/:]))*", text, re.ASCII)
    if plain and text.lower() not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null"):
        return text
    return json.dumps(text, ensure_ascii=False)


def comment(words: Iterable[str]) -> str:
    """A command on one printable line, for a comment. bash would read the same words from it."""
    return " ".join(word(text) if text.isprintable() else _ansi(text) for text in words)


def _ansi(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return "$'" + "".join(chr(b) if 32 <= b < 127 and b not in b"\\'" else f"\\x{b:02x}" for b in data) + "'"
