"""Tables and colour on a terminal, plain text with tabs in a pipe."""

from __future__ import annotations

import sys
from typing import Any, Iterable, List, Sequence, Tuple

from hpcgen.errors import printable


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table for a person; for a program, a row a line, its cells separated by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(printable(cell) for cell in row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(*heads, title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for row in rows:
        made.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(made)


def explained(lines: List[Any]) -> None:
    """A script with its origins: two columns on a terminal, else the origins behind each line as a comment."""
    rows: List[Tuple[str, str]] = []
    for line in lines:
        why = "; ".join(map(str, line.origins)) or (f"template {line.template}" if line.template else "")
        rows.append((line.text, why))
    if sys.stdout.isatty():
        return table(("line", "because of"), rows)
    width = min(72, max((len(text) for text, _ in rows), default=0))
    for text, why in rows:
        print(f"{text:<{width}}  # {why}" if why else text)
