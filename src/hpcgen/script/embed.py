"""What runs inside jobs, as scripts carry it: modules of hpcgen as they are written, one after the other, as one program."""

from __future__ import annotations

import ast
from functools import cache
from typing import List, Tuple

from hpcgen.base import paths


@cache
def carried(package: str, parts: Tuple[str, ...]) -> str:
    """The modules of one package as one program. The last module's `begin` is started by the first module's `main`.

    Nothing is changed but that modules no longer import from each other. A command takes no argument over 128 KiB.
    """
    from hpcgen import __version__

    names = ", ".join(f"{part}.py" for part in parts)
    texts = [f"# hpcgen {__version__}: {names} of src/hpcgen/{package}, as they are written, and the call that starts them."]
    for part in parts:
        texts.append(f"# --- {part}.py\n\n{_without_own_imports((paths.PACKAGE / package / f'{part}.py').read_text())}")
    return "\n\n".join([*texts, "main(begin)"])


def _without_own_imports(source: str) -> str:
    lines: List[str] = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("hpcgen."):
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    text = "\n".join(lines).strip("\n")
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return text
