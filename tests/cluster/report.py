"""Which case ran where, written down as the tests go; `python -m tests.cluster cases` prints the table."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING

from . import bed
from .suites import VERSIONS

if TYPE_CHECKING:
    from .cases import Case

FILE = bed.BEDS / "cases.json"


def note(suite: str, case: Case, how: str, seconds: float) -> None:
    bed.BEDS.mkdir(parents=True, exist_ok=True)
    known = read()
    known.setdefault(case.id, {})[suite] = f"{how}, {seconds:.0f} s" if how == "ran" else how
    FILE.write_text(json.dumps(known, indent=1) + "\n")


def read() -> dict[str, dict[str, str]]:
    try:
        return json.loads(FILE.read_text())  # type: ignore[no-any-return]
    except (OSError, ValueError):
        return {}


def table() -> str:
    from .cases import CASES

    known = read()
    heads = ["case", *(f"Slurm {version}" for version in VERSIONS.values()), "not the real thing"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for case in CASES:
        told = [known.get(case.id, {}).get(suite, "–") for suite in VERSIONS]
        lines.append(f"| {case.id} | {' | '.join(told)} | {'; '.join(case.stand_ins)} |")
    return "\n".join(lines)
