"""The parsers' own cases: scripts that the manuals allow, with what they ask for, and scripts that they refuse, with why.

A valid script has a .toml of the same name with the fields that it sets. An invalid one begins with `# refused at LINE:
REASON`, a part of what is said; line 0 is the script as a whole.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from grammar import flux, gadi, lsf, pbs, sge, torque
from grammar.request import Refused, Request

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
PARSERS: Dict[str, Callable[[str], Request]] = {
    "flux": flux.parse,
    "gadi": gadi.parse,
    "lsf": lambda text: lsf.parse(text, "MB"),
    "pbs": lambda text: pbs.parse(text, {"filesystems": "job", "model": "chunk"}),
    "sge": lambda text: sge.parse(text, {"gpu": "INT", "mem": "MEMORY", "exclusive": "BOOL"}, memory="mem", gpus="gpu"),
    "torque": lambda text: torque.parse(text, {"scratch": "job", "excl": "flag"}),
}


def scripts(kind: str) -> List[Path]:
    return sorted(HERE.glob(f"*/{kind}/*.sh"))


def plain(value: Any) -> Any:
    """As TOML would have it: what is at its default is left out, a Fraction is a string."""
    if dataclasses.is_dataclass(value):
        given = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        default = {field.name: field.default for field in dataclasses.fields(value)}
        return {name: plain(item) for name, item in given.items() if item not in (default[name], {})}
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value if item is not None] if isinstance(value, tuple) else value


def named(path: Path) -> str:
    return f"{path.parts[-3]}/{path.stem}"


@pytest.mark.parametrize("script", scripts("valid"), ids=named)
def test_valid(script: Path) -> None:
    """What it asks for, field by field; nothing is read that is not expected."""
    expected = tomllib.loads(script.with_suffix(".toml").read_text())
    assert plain(PARSERS[script.parts[-3]](script.read_text())) == expected


@pytest.mark.parametrize("script", scripts("invalid"), ids=named)
def test_invalid(script: Path) -> None:
    text = script.read_bytes().decode()
    match = re.search(r"^# refused at (\d+): (.+)", text, re.MULTILINE)
    assert match, f"{script}: the first line says where and why"
    with pytest.raises(Refused) as refusal:
        PARSERS[script.parts[-3]](text)
    assert match[2].strip() in refusal.value.why
    assert refusal.value.line == int(match[1])


def test_every_folder_has_a_parser_and_cases() -> None:
    folders = {path.parent.name for path in HERE.glob("*/valid")}
    assert folders == set(PARSERS) == {path.parent.name for path in HERE.glob("*/invalid")}
    assert {path.with_suffix(".sh") for path in HERE.glob("*/valid/*.toml")} == set(scripts("valid"))
