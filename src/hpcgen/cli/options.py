"""The options of the command line, derived once from the fields of Request.

They are made as typer makes them from a function's signature, and without its reading of one: with sixty options that
would be half of a command's own time.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Literal, Mapping, Optional, Tuple, get_args, get_origin

from typer.core import TyperArgument, TyperCommand, TyperOption

from hpcgen import workloads
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import option
from hpcgen.base.toml import fields
from hpcgen.base.units import Memory, Time
from hpcgen.cli import complete
from hpcgen.request.fields import Request

POSITIONAL = ("program", "args")
METAVARS = {Time: "TIME", Memory: "SIZE"}


def own(name: str, kind: Any, default: Any, *flags: str, **settings: Any) -> Any:
    """A parameter of this kind (str, bool, Path): an argument when it has no flags, required when `default` is ``...``."""
    settings.update(param_decls=[name, *flags], type=None if kind in (bool, str) else kind)
    if default is ...:
        settings["required"] = True
    else:
        settings["default"] = default
    return TyperOption(is_flag=kind is bool, **settings) if flags else TyperArgument(**settings)


def of_request(names: Optional[Tuple[str, ...]] = None) -> List[Any]:
    """A parameter for every field of Request that is not the program's, or for these alone."""
    known = [field for field in fields(Request) if field.name not in POSITIONAL]
    return [_option(field.name, field.type) for field in known if names is None or field.name in names]


def _option(name: str, annotated: Any) -> Any:
    kind, meta = get_args(annotated)[:2]
    inner = _inner(kind)
    settings: Dict[str, Any] = {"help": meta.description, "autocompletion": complete.VALUES.get(name)}
    if inner is bool:
        return own(name, bool, None, f"{option(name)}/--no-{option(name)[2:]}", **settings)
    settings.update(
        metavar="|".join(workloads.names()) if name == "workload" else _metavar(inner),
        multiple=get_origin(kind) in (tuple, dict),
    )
    return own(name, str, None, option(name), *meta.extra["flags"], **settings)


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
    for key in ("env", "resource"):
        if key in given:
            given[key] = dict(_assignments(key, given[key]))
    return given


def _assignments(key: str, texts: Iterable[str]) -> Iterator[Tuple[str, str]]:
    seen: Dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise RequestError(f"--{key}: '{text}' is not NAME=VALUE")
        if seen.setdefault(name, value) != value:
            raise RequestError(f"--{key}: {name} is given twice, as '{seen[name]}' and as '{value}': give one of them")
        yield name, value


PROGRAM = own("program", str, None, nargs=-1, metavar="[PROGRAM [ARGS]...]", show_default=False,
              help="program and its arguments, which are passed on as they are")  # fmt: skip
FILE = own("file", Path, None, "--file", "-f", metavar="FILE", help="request file (TOML); flags win over it")
WRITE = own("write", Path, None, "--write", "-w", metavar="FILE", help="file to write the script to, in place of stdout")
FORCE = own("force", bool, False, "--force", help="overwrite a file that hpcgen did not write")
JSON = own("as_json", bool, False, "--json", help="print JSON")


def command(body: Callable[..., None], *more: Any, names: Optional[Tuple[str, ...]] = None) -> TyperCommand:
    """A command that takes a request, or these fields of one: `body` is called with the parameters of `more` and the
    request's `flags`."""

    def called(**values: Any) -> None:
        mine = {parameter.name: values.pop(parameter.name) for parameter in more}
        program = mine.pop("program", None)
        if program:
            values.update(program=program[0], args=program[1:])
        body(flags=flags(values), **mine)

    # What follows the program is the program's own.
    context = {"allow_interspersed_args": PROGRAM not in more}
    text = inspect.getdoc(body) or ""
    return TyperCommand(
        None, callback=called, params=[*more, *of_request(names)], help=text, short_help=f"{re.split('[:.]', text)[0]}.",
        context_settings=context, rich_markup_mode=None,
    )  # fmt: skip
