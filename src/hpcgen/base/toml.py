"""TOML tables into typed structs: every problem of a table at once, each naming its file and key."""

# Not `from __future__ import annotations`: Table's types are read at run time.
import contextlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Dict, Iterator, List, Literal, Mapping, Optional, Tuple, Type, get_args, get_origin
from urllib.parse import quote

import msgspec
from msgspec import Struct

from hpcgen.base import kinds, paths
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


class Kept(Struct, frozen=True):
    """A parsed file in the cache, and what its file was like then. Dates are text, which structs read as well."""

    modified: int
    size: int
    tables: Dict[str, Any]


def read_kept(path: Path, error: Type[HpcgenError]) -> Dict[str, Any]:
    """As `read`, but from the cache where the file has not changed since: parsing takes most of a profile's time."""
    place = paths.cache() / "toml" / quote(str(path.absolute()), safe="")
    now = (0, 0)
    with contextlib.suppress(OSError, msgspec.MsgspecError):  # there is no such file, in either place, or the cache is damaged
        state = path.stat()
        now = (state.st_mtime_ns, state.st_size)
        kept = msgspec.msgpack.decode(place.read_bytes(), type=Kept)
        if (kept.modified, kept.size) == now:
            return kept.tables
    tables = read(path, error)
    with contextlib.suppress(OSError, OverflowError):  # the home may be full, or read-only; a number too large to keep
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = place.with_name(f".{os.getpid()}")
        new.write_bytes(msgspec.msgpack.encode(Kept(*now, tables)))
        new.replace(place)
    return tables


@cache
def fields(kind: Type[Struct]) -> Tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a struct. Kept, for msgspec reads the annotations again each time."""
    return tuple(msgspec.structs.fields(kind))


MOST = 10_000_000  # more of anything than the largest machines have
Count = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
_EMPTY: Tuple[object, ...] = ({}, ())


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of facts with their sources."""

    source: Optional[str] = None
    """The source of the whole table: the NAME of a [sources.NAME]."""
    sources: Dict[str, str] = {}
    """The sources of single keys: { key = "NAME" }."""

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
    if (made := _at_once(kind, table)) is not None:
        return made
    before = len(problems)
    values = fill(kind, table, where, problems)
    return kind(**values) if len(problems) == before else None


def _at_once(kind: Type[Struct], table: object) -> Any:
    """The struct, converted in one go, which is five times as fast; None where anything is wrong, for `fill` to say what."""
    try:
        made = msgspec.convert(table, kind, dec_hook=kinds.parse)
        _check_names(kind, made)
    except (msgspec.ValidationError, ValueError):
        return None
    return made


def _check_names(kind: Type[Struct], made: Any) -> None:
    """The keys of its mappings, which msgspec leaves as they are. Raises ValueError."""
    for name, of_keys, inner in _mappings(kind):
        value = getattr(made, name)
        for key in value if of_keys else ():
            kinds.parse(of_keys, key)
        for one in value.values() if of_keys else value if isinstance(value, tuple) else (value,):
            if inner:
                _check_names(inner, one)


@cache
def _mappings(kind: Type[Struct]) -> Tuple[Tuple[str, Any, Any], ...]:
    """The fields that are, or hold, mappings: each with the kind of its keys, and the kind of struct within it."""
    found: List[Tuple[str, Any, Any]] = []
    for field in fields(kind):
        parts = get_args(field.type)
        if get_origin(field.type) is dict and _is_struct(parts[1]):
            found.append((field.name, kinds.Token, parts[1] if _mappings(parts[1]) else None))
        elif get_origin(field.type) is dict and parts[0] in kinds.KINDS:
            found.append((field.name, parts[0], None))
        elif _is_struct(field.type) and _mappings(field.type):
            found.append((field.name, None, field.type))
        elif get_origin(field.type) is tuple and _is_struct(parts[0]) and _mappings(parts[0]):
            found.append((field.name, None, parts[0]))
    return tuple(found)


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
