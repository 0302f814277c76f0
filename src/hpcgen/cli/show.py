"""Tables and colour on a terminal, plain text with tabs in a pipe."""

from __future__ import annotations

import sys
from typing import Any, Iterable, List, Sequence, Tuple

from hpcgen.base.errors import printable


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table for a person, without columns that say nothing; for a program, a row a line, its cells separated by tabs.

    Where a terminal is narrow, sentences give way, and words stay whole as long as all columns' words have room.
    """
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(printable(cell) for cell in row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    filled = list(rows)
    kept = [number for number in range(len(heads)) if not filled or any(row[number] for row in filled)]
    made = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, collapse_padding=True)
    for number in kept:
        cells = [row[number] for row in filled]
        longest = max((len(word) for cell in (heads[number], *cells) for word in cell.split()), default=1)
        names = not any(" " in cell for cell in cells)
        made.add_column(heads[number], no_wrap=names, min_width=min(longest, 20), overflow="fold")
    for row in filled:
        made.add_row(*(Text(printable(row[number])) for number in kept))
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
