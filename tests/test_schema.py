"""The JSON Schemas of profiles, requests and config.toml: they accept and refuse what hpcgen does by shape."""

from __future__ import annotations

import copy
import datetime
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, Literal, Set, Tuple, Type, Union, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import Struct

from hpcgen import SiteError, __version__, schedulers
from hpcgen.base import kinds, toml
from hpcgen.base.units import Memory, Time
from hpcgen.cli import status
from hpcgen.profiles import schema as profiles
from hpcgen.profiles.load import decode
from hpcgen.profiles.site import Site
from hpcgen.request import schema as requests
from hpcgen.request.fields import Request

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOP = Path(__file__).parent.parent
SITES = sorted((TOP / "sites").glob("*.toml"))
REQUESTS = sorted((TOP / "tests" / "scripts").glob("*/*.toml"))
SCHEMAS = {"site": profiles.of_site(), "request": requests.of_request(), "config": requests.of_config()}
DIALECTS = {name: kind for name in schedulers.names() if (kind := schedulers.get(name).dialect)}
STRUCTS: List[Type[Struct]] = sorted(requests._closure([Site, Request, *DIALECTS.values()]), key=lambda kind: kind.__name__)


def read(path: Path) -> Dict[str, Any]:
    return tomllib.loads(path.read_text())


def plain(value: Any) -> Any:
    """As an editor sees it: JSON has no dates."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


@cache
def validator(name: str, part: str = "") -> Draft202012Validator:
    """Of a whole schema, or of one of its definitions."""
    schema = SCHEMAS[name]
    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]} if part else schema)


def of_struct(kind: Type[Struct]) -> Draft202012Validator:
    if kind is Site:
        return validator("site")
    return validator("request" if kind is Request else "site", kind.__name__)


def faults(name: str, data: Any) -> List[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(plain(data))]


# --- what is right


@pytest.mark.parametrize("name", SCHEMAS)
def test_is_a_schema_and_says_which(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema") and schema["version"] == __version__
    assert schema["$id"] == f"urn:hpcgen:schema:{name}:{__version__}"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_command_prints_it(name: str, capfd: Any) -> None:
    assert status(["sites", "schema", "--of", name]) == 0
    assert json.loads(capfd.readouterr().out) == SCHEMAS[name]


def test_the_command_prints_the_profiles_and_names_the_others(capfd: Any) -> None:
    assert status(["sites", "schema"]) == 0
    assert json.loads(capfd.readouterr().out) == SCHEMAS["site"]
    assert status(["sites", "schema", "--of", "reqest"]) == 2
    assert "--of: unknown type of file 'reqest' – did you mean 'request'?" in capfd.readouterr().err


def test_every_site_and_every_request_is_valid() -> None:
    found = {path.name: faults("site", read(path)) for path in SITES}
    found.update({f"{path.parent.name}/{path.name}": faults("request", read(path)) for path in REQUESTS})
    assert {name: said for name, said in found.items() if said} == {}
    assert len(SITES) > 15 and len(REQUESTS) > 80


def test_a_configuration_is_valid() -> None:
    good = {"site": "mahuika", "mail_user": "me@uni.ac.nz", "rooms": ["~/x"], "sites": {"mahuika": {"time": 60}}}
    assert not faults("config", good)
    for wrong in ({"room": []}, {"rooms": "~/x"}, {"rooms": [1]}, {"sites": {"mahuika": {"acount": "a"}}}, {"sites": ["a"]}):
        assert faults("config", wrong), wrong


def tables(schema: Dict[str, Any]) -> Iterator[Tuple[str, Dict[str, Any]]]:
    yield "", schema
    yield from schema["$defs"].items()


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_table_is_closed_and_every_key_is_described(name: str) -> None:
    for part, table in tables(SCHEMAS[name]):
        if "properties" in table:
            assert table["additionalProperties"] is False, part
            for key, made in table["properties"].items():
                assert len(made.get("description", "")) > 3, f"{part}.{key}"
        assert "null" not in json.dumps(table), part


@pytest.mark.parametrize("kind", [kind for kind in STRUCTS if kind is not Request], ids=lambda kind: kind.__name__)
def test_the_text_under_a_key_is_a_sentence(kind: Type[Struct]) -> None:
    """Request says it in its Meta, where the command line finds it, too."""
    texts = requests.descriptions(kind)
    assert set(texts) == set(kind.__struct_fields__)
    assert [text for text in texts.values() if not (text[0].isupper() or text[0] == "`") or text[-1] not in ".}"] == []


# --- what is wrong


def sample(kind: Any) -> Any:
    """A right value of this type, as TOML has it."""
    if hasattr(kind, "__metadata__"):
        return sample(get_args(kind)[0])
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Union:
        return sample(inner[0])
    if origin is Literal:
        return inner[0]
    if origin is tuple:
        return [sample(inner[0])]
    if origin is dict:
        return {sample(inner[0]): sample(inner[1])} if inner[1] is not Any else {"mem": "3G"}
    if isinstance(kind, type) and issubclass(kind, Struct):
        return whole(kind)
    if kind is datetime.date:
        return "2026-01-02"
    if kind in kinds.KINDS:
        return kinds.schema(kind)["examples"][0]
    return {str: "srun", bool: True, int: 4, float: 0.5}[kind]


@cache
def whole(kind: Type[Struct]) -> Dict[str, Any]:
    """A right table with every key."""
    if kind is toml.Table:
        return {}
    made = {field.name: sample(field.type) for field in toml.fields(kind)}
    if kind is Site:
        made = {name: value for name, value in made.items() if name not in profiles.MADE}
        made["scheduler"] = {**made["scheduler"], "type": "slurm"}
    return {**made, "type": "slurm"} if "type" in made else made


def refused(kind: Type[Struct], table: Dict[str, Any]) -> bool:
    """Whether hpcgen refuses this table by its shape."""
    problems: List[str] = []
    made = {"id": "x", "path": "x.toml"} if kind is Site else {}
    toml.fill(kind, {**made, **copy.deepcopy(table)}, "x", problems)
    return bool(problems)


WRONG: Tuple[Any, ...] = (
    True, -1, 0, 1, 10**9, 1.5, "", "  ", "a b", "\x07", "a\0b", "-x", "no-such-word", "64G", "0", "0.5G", "2h", "1h2", "00:00",
    "1-2", "HOME", "2026-1-2", [], [1], [True], ["a b"], ["a"], ["\0"], [[]], [{}], {}, {"a b": "x"}, {"a": "b"}, {"a": 1},
    {"a": []}, {"a": {}}, {"-a": "b"}, {"PATH": "x"}, {"IFS": "x"},
)  # fmt: skip
# Where the schema says more than the types do: what `profiles.validate` asks for.
STRICTER: Set[Tuple[str, str]] = {
    ("SchedulerFacts", "type"), ("Mpi", "launcher"), ("Site", "defaults"), ("Site", "sources"), ("Site", "scheduler")
}  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in STRUCTS if kind is not toml.Table], ids=lambda kind: kind.__name__)
def test_refuses_what_hpcgen_refuses(kind: Type[Struct]) -> None:
    """Each key with each value of WRONG, each required key left out, a key that there is not; and nothing but that."""
    good, check = whole(kind), of_struct(kind)
    assert not refused(kind, good) and list(check.iter_errors(good)) == []
    least = {field.name: good[field.name] for field in toml.fields(kind) if field.required and field.name in good}
    tried = [("", {**least, "no_such_key": 1})]
    tried += [(key, {name: value for name, value in least.items() if name != key}) for key in least]
    tried += [(key, {**least, key: value}) for key in good for value in WRONG]
    for key, table in tried:
        by_us, by_schema = refused(kind, table), not check.is_valid(table)
        where = f"{kind.__name__}.{key} = {table.get(key)!r}"
        assert by_schema or not by_us, f"the schema accepts {where}"
        assert by_us or not by_schema or (kind.__name__, key) in STRICTER, f"the schema refuses {where}"


def branches(table: Any, *place: Any) -> Iterator[Tuple[Any, ...]]:
    """The places of all tables."""
    if isinstance(table, dict):
        yield place
    for key, value in table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ():
        yield from branches(value, *place, key)


def at(data: Any, place: Tuple[Any, ...]) -> Any:
    for step in place:
        data = data[step]
    return data


@pytest.mark.parametrize("name", ["mahuika", "gadi", "tsubame4", "summit", "tuolumne"])
def test_refuses_a_profile_with_a_wrong_table(name: str) -> None:
    """A key that there is not, in each table; each key left out; the dialect of another scheduler."""
    good = read(TOP / "sites" / f"{name}.toml")
    for place in branches(good):
        data = copy.deepcopy(good)
        at(data, place)["no_such_key"] = 1
        assert not wrong(data, "unknown key") or not valid(data), place
        for key in at(good, place):
            data = copy.deepcopy(good)
            del at(data, place)[key]
            assert not wrong(data, "' is missing") or not valid(data), (place, key)
    for other in DIALECTS:
        data = {**good, other: {}}
        assert valid(data) != wrong(data, ": the scheduler is "), other


def valid(data: Dict[str, Any]) -> bool:
    return validator("site").is_valid(plain(data))


def wrong(data: Dict[str, Any], why: str) -> bool:
    try:
        decode("x", data, "x.toml")
    except SiteError as error:
        return why in str(error)
    return False


# --- the kinds of text


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.__name__)
def test_examples_of_a_kind_are_right(kind: Any) -> None:
    check = Draft202012Validator(kinds.schema(kind))
    for example in kinds.schema(kind)["examples"]:
        assert kind.parse(example) is not None and check.is_valid(example)


WORDS = st.one_of(st.text("ab1_-.:@$ \t'\"", max_size=5), st.text(max_size=3), st.integers(-2, 5), st.booleans(), st.just(0.5))
AMOUNTS = st.from_regex(r"\A[ 0]?\d{0,3}[.:-]?\d{0,2}[:-]?\d? ?(K|M|G|GiB|d|h|min|s)?\Z")


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.__name__)
@given(value=st.one_of(WORDS, AMOUNTS))
def test_a_kind_is_what_its_schema_says(kind: Any, value: Any) -> None:
    """Python's own view of what is printable, and fractions of a MiB, are more than a pattern can say."""
    try:
        kind.parse(value)
        accepted = True
    except ValueError:
        accepted = False
    by_schema = Draft202012Validator(kinds.schema(kind)).is_valid(value)
    if isinstance(value, str) and (not value.isascii() or value.endswith("\n") or (kind is Memory and "K" in value.upper())):
        assert by_schema or not accepted or kind in (Time, Memory)
    else:
        assert by_schema == accepted
