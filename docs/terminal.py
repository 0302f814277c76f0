"""Write docs/terminal.svg, the picture of a terminal in README.md, from the real output of the command that it shows.

    python docs/terminal.py            # write docs/terminal.svg
    python docs/terminal.py --check    # exit with status 1 if its text is out of date
"""

from __future__ import annotations

import html
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).with_name("terminal.svg")
COMMAND = "hpcgen cost --site kestrel --account hpcapps --workers 8 --nodes 4 --mem 40G --time 1h prog.py"
WIDTH = 100


def output() -> str:
    """What the command prints to a terminal of this width, without notes, and without the user's configuration."""
    ours, its = pty.openpty()
    with tempfile.TemporaryDirectory() as home:
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "HPCGEN_PATH", "FORCE_COLOR")}
        env = {**kept, "XDG_CONFIG_HOME": home, "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
        words = [sys.executable, "-m", "hpcgen", *shlex.split(COMMAND)[1:]]
        with subprocess.Popen(words, cwd=home, env=env, stdin=its, stdout=its, stderr=subprocess.DEVNULL) as process:
            os.close(its)
            text = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    if process.returncode:
        sys.exit(f"{COMMAND}: status {process.returncode}")
    return text.decode().replace("\r\n", "\n").rstrip()


def _read(terminal: int) -> bytes:
    """Linux reports the end of a terminal as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def picture() -> str:
    """The command and its output, as SVG."""
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, legacy_windows=False)
        console.print(Text(f"$ {COMMAND}", style="bold"), soft_wrap=False)
        console.print(Text.from_ansi("\n".join(line.rstrip() for line in output().splitlines())))
        svg = console.export_svg(title="hpcgen cost", unique_id="hpcgen")
    return re.sub(r" *@font-face \{.*?\n    \}\n", "", svg, flags=re.DOTALL)  # they would be loaded from elsewhere


def words(svg: str) -> str:
    """The text of a picture; fonts and shapes may change with the version of rich."""
    return " ".join(html.unescape(text) for text in re.findall(r">([^<>]+)</text>", svg)).replace("\N{NO-BREAK SPACE}", " ")


def main() -> None:
    made = picture()
    if "--check" in sys.argv[1:]:
        if not PICTURE.exists() or words(PICTURE.read_text()).split() != words(made).split():
            sys.exit("docs/terminal.svg is out of date: run `python docs/terminal.py`")
    else:
        PICTURE.write_text("\n".join(line.rstrip() for line in made.splitlines()) + "\n")


if __name__ == "__main__":
    main()
