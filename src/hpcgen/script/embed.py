"""Joins modules of hpcgen into one program, which scripts contain and run in the job."""

from __future__ import annotations

import ast
from functools import cache
from typing import List, Tuple

from hpcgen.base import paths


@cache
def carried(package: str, parts: Tuple[str, ...]) -> str:
    """Join the modules of one package into one program. The `main` of the first module calls the `begin` of the last module.

    The code is unchanged, except that the imports from hpcgen are removed. The result must stay below 128 KiB, because
    Linux allows no longer argument of a command.
    """
    from hpcgen import __version__

    names = ", ".join(f"{part}.py" for part in parts)
    texts = [f"# hpcgen {__version__}: {names} from src/hpcgen/{package}, and the call that starts them."]
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
