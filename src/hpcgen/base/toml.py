"""TOML tables into typed structs: every problem of a table at once, each naming its file and key."""

# Not `from __future__ import annotations`: Table's types are read at run time.
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Dict, Iterator, List, Literal, Mapping, Optional, Tuple, Type, get_args, get_origin

import msgspec
from msgspec import Struct

from hpcgen.base import kinds
from hpcgen.base.errors import HpcgenError, nearest


def read(path: Path, error: Type[HpcgenError]) -> Dict[str, Any]:
    """The tables of a TOML file; raises `error` with the file's name and what is wrong with it."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_bytes().decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as why:
        raise error(f"{path}: {getattr(why, 'strerror', None) or why}") from None


@cache
def fields(kind: Type[Struct]) -> Tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a struct. Kept, for msgspec reads the annotations again each time."""
    return tuple(msgspec.structs.fields(kind))


MOST = 10_000_000  # more of anything than the largest machines have
Count = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
_EMPTY: Tuple[object, ...] = ({}, ())


class Table(Struct, frozen=True, kw_only=True):
    """A table of facts: `source` cites for the whole table, `sources` for single keys."""

    source: Optional[str] = None
    sources: Dict[str, str] = {}

    def stated(self) -> List[str]:
        """The keys that differ from what a silent profile has: the facts that need a source."""
        silent = ((field.name, field.default if field.default is not msgspec.NODEFAULT else ()) for field in fields(type(self)))
        return [
            name
            for name, default in silent
            if name not in ("source", "sources")
            and (value := getattr(self, name)) != default
            and not (value in _EMPTY and default in _EMPTY)
        ]


def fill(kind: Type[Struct], table: object, where: str, problems: List[str], strict: bool = True) -> Dict[str, Any]:
    """The values of a struct of this kind, checked one by one; what is wrong is appended to `problems`."""
    if not isinstance(table, Mapping):
        problems.append(f"{where}: expected a table, got {table!r}")
        return {}
    known = {field.encode_name: field for field in fields(kind)}
    values: Dict[str, Any] = {}
    for key, value in table.items():
        field = known.get(key)
        if field is None:
            problems.append(f"{where}: unknown key '{key}'{nearest(key, known)}")
        else:
            values[field.name] = _value(field.type, value, where, key, problems, strict)
    for key, field in known.items():
        if field.required and key not in table:
            problems.append(f"{where}: '{key}' is missing")
    return values


def _value(kind: Any, value: object, where: str, key: str, problems: List[str], strict: bool) -> Any:
    base = get_args(kind)[0] if hasattr(kind, "__metadata__") else kind
    parts = get_args(base)
    if _is_struct(base):
        return struct(base, value, _below(where, key), problems)
    if get_origin(base) is dict and _is_struct(parts[1]) and isinstance(value, dict):
        problems += [f"{_below(where, key)}: {fault}" for name in value for fault in _name_faults(name)]
        return {name: struct(parts[1], table, f"{_below(where, key)}.{name}", problems) for name, table in value.items()}
    if get_origin(base) is tuple and _is_struct(parts[0]) and isinstance(value, list):
        return tuple(struct(parts[0], table, f"{_below(where, key)}.{i}", problems) for i, table in enumerate(value))
    try:
        if get_origin(base) is dict and parts[0] in kinds.KINDS and isinstance(value, dict):
            # msgspec leaves a mapping's keys as they are.
            value = {kinds.parse(parts[0], name): item for name, item in value.items()}
        return msgspec.convert(value, kind, dec_hook=kinds.parse, strict=strict)
    except (msgspec.ValidationError, ValueError) as why:
        problems.append(f"{_below(where, key)}{_reason(kind, value, why)}")
        return None


def _name_faults(name: str) -> Iterator[str]:
    """A table's name ends up in directives and messages as any other word does."""
    try:
        kinds.Token.parse(name)
    except ValueError as why:
        yield str(why)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if ": " in where else f"{where}: {key}"


def struct(kind: Type[Struct], table: object, where: str, problems: List[str]) -> Any:
    """A struct of this kind, or None when `problems` has grown."""
    before = len(problems)
    values = fill(kind, table, where, problems)
    return kind(**values) if len(problems) == before else None


def _reason(kind: Any, value: object, why: Exception) -> str:
    """msgspec's message in our words: ``.place: what is wrong``."""
    text, _, place = str(why).partition(" - at `$")
    place = place.rstrip("`").replace("[...]", "")
    if choices := _choices(kind):
        return f"{place}: '{value}' is none of {', '.join(choices)}{nearest(str(value), choices)}"
    text = text.replace("`", "").replace(" | null", "").partition(", got ")[0]
    for theirs, ours in (("int >= 1", "a whole number, 1 or more"), ("int <= ", "a whole number of at most "),
                         (" int", " a whole number"), (" bool", " true or false"),
                         (" str", " text"), (" array", " a list"), (" object", " a table")):  # fmt: skip
        text = text.replace(theirs, ours) if text.startswith("Expected") else text
    return f"{place}: {text[:1].lower() + text[1:]}" + (f", got {value!r}" if "xpected" in text else "")


def _choices(kind: Any) -> Tuple[str, ...]:
    """The words that a Literal allows, behind Optional and Annotated."""
    while get_args(kind) and get_origin(kind) is not Literal:
        kind = get_args(kind)[0]
    return tuple(get_args(kind))
