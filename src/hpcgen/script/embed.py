"""What runs inside jobs, as scripts carry it: the text of modules of `hpcgen` that import nothing else of it."""

from __future__ import annotations

import re
from functools import cache
from typing import Iterator, List, Tuple

from hpcgen.base import paths

OWN = "from hpcgen."
DOCSTRING = re.compile(r'^ *""".*?"""\n', re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"(^ *|  )# .*$", re.MULTILINE)


@cache
def carried(package: str, parts: Tuple[str, ...]) -> str:
    """The modules of one package as one program, whose last function `begin` is started by the first module's `main`.

    Shortened by what Python does not read: a command takes no argument over 128 KiB, and some sites no large scripts.
    """
    imports: List[str] = []
    lines = [line for part in parts for line in _lines(package, part, imports)]
    modules = sorted({line[7:] for line in imports if line.startswith("import ")})
    names = [line for line in dict.fromkeys(imports) if line.startswith("from ")]
    return "\n".join([f"import {', '.join(modules)}", *names, *lines, "main(begin)"])


def _lines(package: str, part: str, imports: List[str]) -> Iterator[str]:
    text = (paths.PACKAGE / package / f"{part}.py").read_text()
    for line in COMMENT.sub("", DOCSTRING.sub("", text)).splitlines():
        if line.startswith(("import ", "from ")):
            imports += [] if line.startswith(OWN) else [line]
        elif code := line.lstrip(" "):
            yield " " * ((len(line) - len(code)) // 4) + code
