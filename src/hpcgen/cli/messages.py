"""What is said to the user on stderr, and what is printed or written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Optional

from hpcgen.base.errors import printable


def say(*lines: str) -> None:
    """To the user, never into the script; nothing that a value holds may steer a terminal."""
    for line in lines:
        print(f"hpcgen: {printable(line)}", file=sys.stderr)


def note(*lines: str) -> None:
    say(*(f"note: {line}" for line in lines))


def put(text: str, write: Optional[Path], force: bool, mode: int) -> None:
    """To stdout, or into the file that --write names, with this mode less the umask."""
    from hpcgen.script import submit

    if write is None:
        submit.print_out(text)
    else:
        submit.write(write, text, force, mode)
        say(f"wrote {write}")
