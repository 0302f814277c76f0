"""Messages to the user, on stderr, and what is printed or written.

In a pipe each line begins with ``hpcgen: ``, so that a log shows who wrote it. On a terminal its label comes first, in colour
unless NO_COLOR is set: https://no-color.org.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Optional, Tuple

from hpcgen.base.errors import printable

# Bold red and cyan, as terminals of every kind have them. Source: ECMA-48, SGR.
COLOURS = {"error": "\x1b[1;31m", "note": "\x1b[36m"}
PLAIN = "\x1b[0m"


class Voice:
    """What every command shares: `quiet` silences all but errors."""

    quiet = False


def hush(quiet: bool) -> None:
    Voice.quiet = quiet


def say(*lines: str) -> None:
    """What hpcgen has done: never into the script."""
    if not Voice.quiet:
        _show("", lines)


def note(*lines: str) -> None:
    """What the user should know before the job runs."""
    if not Voice.quiet:
        _show("note", lines)


def error(*lines: str) -> None:
    """Why the command fails."""
    _show("error", lines)


def _show(label: str, lines: Tuple[str, ...]) -> None:
    """Nothing that a value holds may steer a terminal, so lines are made printable here."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    head = f"{label}: " if label else ""
    if terminal and label and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        head = f"{COLOURS[label]}{label}:{PLAIN} "
    for line in lines:
        print(f"{'' if terminal else 'hpcgen: '}{head}{printable(line)}", file=sys.stderr)


def put(text: str, write: Optional[Path], force: bool, mode: int) -> None:
    """To stdout, or into the file that --write names, with this mode less the umask."""
    from hpcgen.script import submit

    if write is None:
        submit.print_out(text)
    else:
        submit.write(write, text, force, mode)
        say(f"wrote {write}")
