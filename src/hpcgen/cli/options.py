"""The options of the command line, derived from the fields of Request.

They are built directly. Letting typer read them from a function's signature takes half of a command's time, because there
are sixty of them.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Literal,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Type,
    get_args,
    get_origin,
)

from typer.core import TyperArgument, TyperCommand, TyperOption

from hpcgen import schedulers, workloads
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import option
from hpcgen.base.toml import fields
from hpcgen.base.units import Memory, Time
from hpcgen.cli import complete
from hpcgen.cli.messages import hush, note
from hpcgen.request import fields as groups
from hpcgen.request.fields import GROUPS, Request

POSITIONAL = ("program", "args")
METAVARS = {Time: "TIME", Memory: "SIZE"}
# Options for heterogeneous jobs, and options of srun.
HETJOB = ("hetjob", "flatten", "scheduler_cpus", "scheduler_mem", "share_core")
SRUN = ("mpi", "kill_on_bad_exit")


class RequestCommand(TyperCommand):
    """A command that takes a request. Its help groups the options, and omits those that its scheduler does not support."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        hidden = useless(self.name) if self.name in schedulers.names() else frozenset()
        found: Dict[str, List[Tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and parameter.name not in hidden:
                found.setdefault(getattr(parameter, "rich_help_panel", None) or groups.OUTPUT, []).append(record)
        for group in filter(found.get, GROUPS):
            with formatter.section(group):
                formatter.write_dl(found[group])


class FileCommand(RequestCommand):
    """A command that takes a request file or a program. Options after a program belong to the program."""

    def parse_args(self, ctx: Any, args: List[str]) -> List[str]:
        given = self.make_parser(ctx).parse_args(list(args))[0]
        if words := given.get("program"):
            from hpcgen.inputs.infer import kind_of

            ctx.allow_interspersed_args = kind_of(words[0], given.get("as_kind")) == "request"
        parsed: List[str] = super().parse_args(ctx, args)
        return parsed


def useless(name: str) -> FrozenSet[str]:
    """The fields of a request that this scheduler refuses or ignores. Help omits them; if given, a message says why."""
    from hpcgen.launch import launchers

    scheduler = schedulers.get(name)
    found = {*scheduler.silent, *scheduler.lacks}
    if not launchers.get(scheduler.own_launcher or "none").of_slurm:
        found.update(SRUN)
    if not hetjobs(name):
        found.update(HETJOB)
    if scheduler.one_machine:
        found.update(("array", "directive"))
    return frozenset(found)


def hetjobs(name: str) -> bool:
    """Whether the scheduler has heterogeneous jobs by default. A site's profile may say otherwise."""
    scheduler = schedulers.get(name)
    return scheduler.hetjob(scheduler.dialect() if scheduler.dialect else None) is None


def own(name: str, kind: Any, default: Any, *flags: str, group: str = groups.OUTPUT, **settings: Any) -> Any:
    """Make a parameter of this type (str, bool or Path): an argument if it has no flags, required if `default` is ``...``."""
    settings.update(param_decls=[name, *flags], type=None if kind in (bool, str) else kind, rich_help_panel=group)
    if default is ...:
        settings["required"] = True
    else:
        settings["default"] = default
    return TyperOption(is_flag=kind is bool, **settings) if flags else TyperArgument(**settings)


def of_request(names: Optional[Tuple[str, ...]] = None) -> List[Any]:
    """Make a parameter for each field of Request except the program and its arguments, or only for these names."""
    known = [field for field in fields(Request) if field.name not in POSITIONAL]
    return [_option(field.name, field.type) for field in known if names is None or field.name in names]


def _option(name: str, annotated: Any) -> Any:
    kind, meta = get_args(annotated)[:2]
    inner = _inner(kind)
    settings: Dict[str, Any] = {"help": meta.description, "group": meta.extra["group"]}
    settings["autocompletion"] = complete.VALUES.get(name)
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
    """Select the fields of a request from a command's parameters, without those that the user did not give."""
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
            raise RequestError(f"--{key}: '{text}' has no '=': write NAME=VALUE")
        if seen.setdefault(name, value) != value:
            raise RequestError(f"--{key}: {name} has two values, '{seen[name]}' and '{value}': give only one")
        yield name, value


PROGRAM = own("program", str, None, nargs=-1, metavar="[PROGRAM [ARGS]...]", show_default=False, group=groups.PROGRAM,
              help="program and its arguments; hpcgen passes the arguments on unchanged")  # fmt: skip
FILE = own("file", Path, None, "--file", "-f", metavar="FILE", group=groups.PROGRAM,
           help="request file (TOML); options override it")  # fmt: skip
WRITE = own("write", Path, None, "--write", "-w", metavar="FILE", help="file to write the script to, instead of stdout")
FORCE = own("force", bool, False, "--force", help="overwrite a file that hpcgen did not write")
JSON = own("as_json", bool, False, "--json", help="print JSON")
QUIET = own("quiet", bool, False, "--quiet", "-Q", help="print no notes, only errors")


def command(
    body: Callable[..., None], *more: Any, names: Optional[Tuple[str, ...]] = None, kind: Type[RequestCommand] = RequestCommand
) -> RequestCommand:
    """Make a command that takes the fields of a request, or only those in `names`.

    The command calls `body` with the parameters in `more` and with the request's `flags`. In the docstring of `body`, the
    paragraph that begins with ``\b`` contains the examples, which the help prints last.
    """
    params = [*more, QUIET, *of_request(names)]

    def called(**values: Any) -> None:
        hush(values.pop("quiet"))
        mine = {parameter.name: values.pop(parameter.name) for parameter in more}
        program = mine.pop("program", None)
        if program:
            note(*_misplaced(made, {**values, **mine}, program))
            values.update(program=program[0], args=program[1:])
        body(flags=flags(values), **mine)

    text, _, examples = (inspect.getdoc(body) or "").partition("\n\n\b\n")
    made = kind(
        None, callback=called, params=params, help=text, short_help=f"{re.split('[:.]', text)[0]}.",
        epilog="\n  ".join(["\b\nExamples:", *examples.splitlines()]) if examples else None,
        # Words after the program are its arguments.
        context_settings={"allow_interspersed_args": not any(parameter.name == "program" for parameter in more)},
        rich_markup_mode=None,
    )  # fmt: skip
    return made


def _misplaced(made: RequestCommand, given: Mapping[str, Any], program: Sequence[str]) -> Iterator[str]:
    """Yield a note if the program's arguments contain options of this command that are not also given before the program."""
    if any(word.startswith("--") for word in program[1:]):
        from hpcgen.cli import unknown

        before = {name for name, value in given.items() if value not in (None, (), [], False)}
        options = [parameter for parameter in made.params if parameter.name not in before]
        yield from unknown.misplaced(str(made.name), options, program, bool(before))
