"""The options of the command line, derived once from the fields of Request."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple, get_args, get_origin

import msgspec
import typer

from hpcgen.cli import complete
from hpcgen.errors import RequestError
from hpcgen.request import Request
from hpcgen.units import Memory, Time
from typing_extensions import Annotated, Literal

POSITIONAL = ("program", "args")
METAVARS = {Time: "TIME", Memory: "SIZE"}


def parameters(*own: inspect.Parameter) -> List[inspect.Parameter]:
    """A command's own parameters, then one for every field of Request."""
    found = [*own]
    for field in msgspec.structs.fields(Request):
        if field.name not in POSITIONAL:
            found.append(_parameter(field.name, field.type))
    return found


def own(name: str, kind: Any, default: Any, *flags: str, **settings: Any) -> inspect.Parameter:
    made = typer.Option(*flags, **settings) if flags else typer.Argument(**settings)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, made])


def _parameter(name: str, annotated: Any) -> inspect.Parameter:
    kind, meta = get_args(annotated)[:2]
    inner = _inner(kind)
    flag = f"--{name.replace('_', '-')}"
    flags = [flag, *meta.extra["flags"]]
    settings: Dict[str, Any] = {"help": meta.description}
    if name in complete.VALUES:
        settings["autocompletion"] = complete.VALUES[name]
    if inner is bool:
        return own(name, Optional[bool], None, f"{flag}/--no-{flag[2:]}", **settings)
    settings["metavar"] = _metavar(inner)
    return own(name, Optional[List[str]] if get_origin(kind) in (tuple, dict) else Optional[str], None, *flags, **settings)


def _inner(kind: Any) -> Any:
    """The type behind Optional, Annotated and Tuple."""
    while get_args(kind) and get_origin(kind) is not Literal:
        kind = get_args(kind)[0]
    return kind


def _metavar(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    return METAVARS.get(kind, "N" if kind is int else "TEXT")


def flags(values: Mapping[str, Any]) -> Dict[str, Any]:
    """The fields of a request among a command's parameters; only what was given."""
    given = {key: value for key, value in values.items() if key in Request.__struct_fields__ and value not in (None, [], ())}
    if "env" in given:
        given["env"] = dict(_assignments(given["env"]))
    return given


def _assignments(texts: List[str]) -> Iterator[Tuple[str, str]]:
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise RequestError(f"--env: '{text}' is not NAME=VALUE")
        yield name, value


PROGRAM = own("program", Optional[List[str]], None, metavar="[PROGRAM [ARGS]...]", show_default=False,
              help="program and its arguments, which are passed on as they are")  # fmt: skip
FILE = own("file", Optional[Path], None, "--file", "-f", help="request file (TOML); flags win over it")
WRITE = own("write", Optional[Path], None, "--write", "-w", help="file to write the script to, in place of stdout")
FORCE = own("force", bool, False, "--force", help="overwrite a file that hpcgen did not write")
JSON = own("as_json", bool, False, "--json", help="print JSON")


def command(body: Callable[..., None], *more: inspect.Parameter) -> Callable[..., None]:
    """A command that takes a request: `body` is called with the parameters of `more` and the request's `flags`."""

    def called(**values: Any) -> None:
        mine = {parameter.name: values.pop(parameter.name) for parameter in more}
        program = mine.pop("program", None)
        if program:
            values.update(program=program[0], args=program[1:])
        body(flags=flags(values), **mine)

    called.__doc__ = body.__doc__
    called.__signature__ = inspect.Signature(parameters(*more))  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in parameters(*more)}
    return called
