"""Prints tables on a terminal, and plain text with tabs elsewhere."""

from __future__ import annotations

import sys
from typing import Any, Iterable, List, Sequence, Tuple

from hpcgen.base.errors import printable


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table without its empty columns. If stdout is not a terminal, print one row per line, with tabs between cells.

    On a narrow terminal, sentences are wrapped. Words are split only if there is not enough room for the words of all columns.
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
    """Print a script with its origins: in two columns on a terminal, otherwise as a comment after each line."""
    rows: List[Tuple[str, str]] = []
    for line in lines:
        why = "; ".join(map(str, line.origins)) or (f"template {line.template}" if line.template else "")
        rows.append((line.text, why))
    if sys.stdout.isatty():
        return table(("line", "because of"), rows)
    width = min(72, max((len(text) for text, _ in rows), default=0))
    for text, why in rows:
        print(f"{text:<{width}}  # {why}" if why else text)
