"""The JSON Schemas of request files and of config.toml, and what `profiles.schema` shares with them.

msgspec derives a schema from the types. This module adds the patterns of `base.kinds`, and each key's description: the
text under the field, or the help of its option.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, Dict, Iterable, Iterator, Tuple, Type, get_args, get_origin

import msgspec
from msgspec import Struct

from hpcgen import __version__
from hpcgen.base import kinds
from hpcgen.base.toml import fields
from hpcgen.request.fields import Request

Schema = Dict[str, Any]


def of_request() -> Schema:
    """The schema of request files."""
    return document("request", "A request for hpcgen: job.toml", {"$ref": "#/$defs/Request"}, request_parts())


def of_config() -> Schema:
    """The schema of config.toml: the keys of a request, `rooms`, and a table for each site."""
    found = request_parts()
    own = {
        "rooms": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Folders with sites/ and templates/ of your own.",
            "examples": [["~/hpcgen"]],
        },
        "sites": {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/Request"},
            "description": "The same keys for one site: [sites.NAME].",
        },
    }
    top = {"type": "object", "properties": {**found["Request"]["properties"], **own}, "additionalProperties": False}
    return document("config", "The configuration of hpcgen: config.toml", top, found)


def request_parts(*structs: Type[Struct]) -> Dict[str, Schema]:
    """The definitions of Request and of these structs."""
    found = parts(Request, *structs)
    found["Request"]["description"] = "The options of the command line, with underscores in place of dashes."
    return found


def document(name: str, title: str, top: Schema, found: Dict[str, Schema]) -> Schema:
    """A complete schema: its identification, `top`, and the definitions that `top` refers to."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hpcgen:schema:{name}:{__version__}",
        "version": __version__,
        "title": title,
        **top,
        "$defs": found,
    }


def parts(*structs: Type[Struct]) -> Dict[str, Schema]:
    """The definitions of these structs and of all structs that they contain, by name."""
    _, found = msgspec.json.schema_components(structs, schema_hook=kinds.schema, ref_template="#/$defs/{name}")
    for kind in _closure(structs):
        found[kind.__name__] = _finished(kind, found[kind.__name__])
    return found


def _closure(structs: Iterable[Type[Struct]]) -> Iterator[Type[Struct]]:
    """These structs and all structs that they contain, each once."""
    waiting, seen = list(structs), set()
    while waiting:
        kind = waiting.pop()
        if kind not in seen:
            seen.add(kind)
            yield kind
            waiting += [inner for field in fields(kind) for inner in _structs(field.type)]


def _structs(kind: Any) -> Iterator[Type[Struct]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield kind
    for inner in get_args(kind):
        yield from _structs(inner)


def _finished(kind: Type[Struct], made: Schema) -> Schema:
    """msgspec's schema of a struct without null and unknown keys, and with descriptions and patterns for keys."""
    texts = descriptions(kind)
    properties = {}
    for field in fields(kind):
        own = _without_null(made["properties"][field.name])
        if field.name in texts:
            own["description"] = texts[field.name]
        if (form := _key_form(field.type)) and "type" in own:
            own["propertyNames"] = form
        properties[field.name] = own
    whole: Schema = {
        "description": inspect.cleandoc(kind.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return {**whole, "required": made["required"]} if made["required"] else whole


def _without_null(made: Schema) -> Schema:
    """TOML has no null: users leave out a key. Defaults that are null, empty or whole tables do not help an editor."""
    made = dict(made)
    if made.get("default", ()) in (None, (), [], {}) or isinstance(made.get("default"), dict):
        made.pop("default", None)
    if isinstance(made.get("default"), tuple):
        made["default"] = list(made["default"])
    if "enum" in made:
        made["enum"] = [value for value in made["enum"] if value is not None]
    if made.get("format") == "date":
        made["pattern"] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"  # most validators read no formats
    left = [option for option in made.get("anyOf", ()) if option != {"type": "null"}]
    if len(left) == 1:
        return _without_null({**{key: value for key, value in made.items() if key != "anyOf"}, **left[0]})
    return made


def _key_form(kind: Any) -> Schema:
    """The schema of a mapping's keys. The names of tables are words, because directives contain them."""
    if hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    if get_origin(kind) is not dict:
        return {}
    of_keys, of_values = get_args(kind)
    if isinstance(of_values, type) and issubclass(of_values, Struct):
        of_keys = kinds.Token
    form = kinds.schema(of_keys) if of_keys in kinds.KINDS else {}
    return {key: value for key, value in form.items() if key in ("pattern", "not", "maxLength")}


def descriptions(kind: Type[Struct]) -> Dict[str, str]:
    """The text under each field of a struct. Raises OSError if the source code is not available."""
    found: Dict[str, str] = {}
    for base in kind.__mro__:
        if issubclass(base, Struct) and base is not Struct:
            found = {**dict(_under_fields(base)), **found}
    return found


def _under_fields(kind: type) -> Iterator[Tuple[str, str]]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    for field, text in zip(body.body, body.body[1:]):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            yield field.target.id, str(ast.literal_eval(text.value))
