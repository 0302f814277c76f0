"""Prints messages to the user on stderr, and texts on stdout or into a file.

Each line begins with ``hpcgen: `` unless stderr is a terminal, so that a log shows which program wrote the line. On a terminal
the line begins with a label, in colour unless NO_COLOR is set: https://no-color.org.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Optional, Tuple

from hpcgen.base.errors import printable

# Bold red and cyan, which every terminal has. Source: ECMA-48, SGR.
COLOURS = {"error": "\x1b[1;31m", "note": "\x1b[36m"}
PLAIN = "\x1b[0m"


class Voice:
    """A setting that all commands share: if `quiet` is true, only errors are printed."""

    quiet = False


def hush(quiet: bool) -> None:
    Voice.quiet = quiet


def say(*lines: str) -> None:
    """Print what hpcgen has done."""
    if not Voice.quiet:
        _show("", lines)


def note(*lines: str) -> None:
    """Print what the user should know before the job runs."""
    if not Voice.quiet:
        _show("note", lines)


def error(*lines: str) -> None:
    """Print why the command fails."""
    _show("error", lines)


def _show(label: str, lines: Tuple[str, ...]) -> None:
    """Print lines on stderr. Escape control characters: a value must not send commands to the terminal."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    head = f"{label}: " if label else ""
    if terminal and label and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        head = f"{COLOURS[label]}{label}:{PLAIN} "
    for line in lines:
        print(f"{'' if terminal else 'hpcgen: '}{head}{printable(line)}", file=sys.stderr)


def put(text: str, write: Optional[Path], force: bool, mode: int) -> None:
    """Print the text on stdout, or write it to the file of --write with this mode, reduced by the umask."""
    from hpcgen.script import submit

    if write is None:
        submit.print_out(text)
    else:
        submit.write(write, text, force, mode)
        say(f"wrote {write}")
