"""Renders a job with the template of its scheduler. This module does not know how schedulers spell directives."""

from __future__ import annotations

import contextlib
import pickle
import re
from functools import cache
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

import jinja2
from jinja2.bccache import Bucket

from hpcgen import __version__, schedulers
from hpcgen.base import paths, shell
from hpcgen.base.errors import TemplateError
from hpcgen.base.paths import Rooms
from hpcgen.launch.launchers import launch, starter, unordered
from hpcgen.launch.programs import installed, shared_out, words
from hpcgen.model.job import Carried, Job, Origin, Setup, Step
from hpcgen.model.spelled import Spelled
from hpcgen.script import embed, staging

# A value that is None is rendered as this text. No template and no checked value can contain it.
NOTHING = "\0-\0"


class Loader(jinja2.FileSystemLoader):
    """Loads templates from the rooms. ``indented/setup.sh`` is ``setup.sh``, indented for the body of a function."""

    def get_source(self, environment: jinja2.Environment, template: str) -> Tuple[str, str, Callable[[], bool]]:
        name = template[len(INDENTED) :] if template.startswith(INDENTED) else template
        source, file, fresh = super().get_source(environment, name)
        return (source if name == template else indented(source)), file, fresh


INDENTED = "indented/"


def indented(source: str) -> str:
    """Indent the lines of a template, and of the templates that it includes, by four columns, except in here-documents."""
    lines, end = [], None
    for line in source.split("\n"):
        if end is not None:
            end = None if line == end else end
        elif line.startswith("#%"):
            line = re.sub(r"^(#% *include) ", rf'\1 "{INDENTED}" ~ ', line)
        elif line:
            opened = re.search(r"<<'(\w+)'", line)
            end = opened[1] if opened else None
            line = f"    {line}"
        lines.append(line)
    return "\n".join(lines)


class Templates(jinja2.Environment):
    """Jinja with shell comments as delimiters, so templates are valid shell scripts."""

    def __init__(self, rooms: Rooms, filters: Mapping[str, Callable[..., Any]], **options: Any) -> None:
        super().__init__(
            loader=Loader([room / "templates" for room in rooms]),
            block_start_string="#%",
            block_end_string="\n",
            comment_start_string="#%#",
            comment_end_string="\n",
            lstrip_blocks=True,
            keep_trailing_newline=True,
            undefined=jinja2.StrictUndefined,
            finalize=self.shown,
            auto_reload=False,
            **options,
        )
        self.filters.update(word=shell.word, path=shell.path, expanding=shell.expanding, listed=shell.listed)
        self.filters.update(filters)

    def shown(self, value: Any) -> Any:
        return NOTHING if value is None else value


@cache
def _environment(scheduler: str, rooms: Rooms) -> Templates:
    return Templates(rooms, schedulers.get(scheduler).filters, bytecode_cache=compiled())


def compiled() -> Optional[jinja2.BytecodeCache]:
    """The cache of compiled templates, or None if it cannot be written. Compiling them takes half of a command's time."""
    folder = paths.cache() / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return Compiled(str(folder))


class Compiled(jinja2.FileSystemBytecodeCache):
    """Jinja's cache. Ignores errors, because the home may be full or read-only, and a file in the cache may be truncated."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, ValueError, TypeError, pickle.UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


@cache
def _plain(rooms: Rooms) -> Templates:
    return Templates(rooms, {"yaml": shell.yaml, "words": lambda items: shell.join(getattr(i, "text", i) for i in items)})


def document(name: str, context: Dict[str, Any], rooms: Optional[Rooms] = None) -> str:
    """Render a file that is not a job script, for example a definition file. Raises TemplateError like `render`."""
    made = _rendered(_plain(rooms or paths.rooms()), name, context)
    lines = [line.rstrip() if line.startswith("#") else line for line in made.split("\n")]
    if missing := next((line for line in lines if NOTHING in line), None):
        raise TemplateError(f"templates/{name}: a value is missing in: {missing.replace(NOTHING, '…')}")
    return "\n".join(lines)


def source(name: str, rooms: Optional[Rooms] = None) -> str:
    """The text of a file in `templates`. Cached. Raises TemplateError."""
    return _source(name, rooms or paths.rooms())


@cache
def _source(name: str, rooms: Rooms) -> str:
    for room in rooms:
        if (room / "templates" / name).is_file():
            return (room / "templates" / name).read_text()
    raise TemplateError(f"templates/{name}: no such file")


def render(job: Job, rooms: Optional[Rooms] = None) -> str:
    """Render the script with the templates of these rooms, or of the default rooms.

    Raises TemplateError if a template uses a name that does not exist, or a value that is None outside a directive. The
    result is deterministic: the same job gives the same text. Thread-safe.
    """
    found = rooms or paths.rooms()
    return finished(text(_environment(job.scheduler, found), job, found), job)


def text(environment: Templates, job: Job, rooms: Rooms, launch: bool = True) -> str:
    """Render the template. Lines that `finished` must remove contain NOTHING. Raises TemplateError."""
    names = context(job, rooms) if launch else {**context(job, rooms), "body": None}
    return _rendered(environment, f"{job.scheduler}.sh", names)


def _rendered(environment: Templates, name: str, context: Dict[str, Any]) -> str:
    try:
        return environment.get_template(name).render(context)
    except jinja2.TemplateNotFound as why:
        raise TemplateError(f"templates/{why}: no such file") from None
    except (jinja2.TemplateError, UnicodeDecodeError) as why:
        raise TemplateError(f"{_place(why) or f'templates/{name}'}: {why}") from None


def _place(why: Exception) -> Optional[str]:
    """The template's file and line that caused the error. Jinja adds them to the traceback."""
    import traceback

    if isinstance(why, jinja2.TemplateSyntaxError):
        return f"templates/{why.name}: line {why.lineno}"
    for frame in reversed(traceback.extract_tb(why.__traceback__)):
        if "/templates/" in frame.filename:
            return f"templates/{frame.filename.rpartition('/templates/')[2]}: line {frame.lineno}"
    return None


class Launch(NamedTuple):
    """A launch line and its origins.

    `goes_on`: the script continues after this line, although a rank may fail, and then exits with the program's status.
    `programs`: each program with the number of the first rank after its ranks. The variable `rank` contains a rank's number.
    `told`: variables that configure the launcher in the script. `by_launcher`: this launcher runs the programs.
    `installed`: the command that checks an installed launcher; None if the script carries it.
    `unordered`: variables with the hosts of the components, if PMI-2 joins components only in the order of their hosts' names.
    """

    line: str
    goes_on: bool
    origins: Dict[str, Tuple[Origin, ...]]
    through: Optional[str]
    rank: Optional[str]
    programs: Tuple[Tuple[str, str], ...]
    told: Tuple[Tuple[str, str], ...]
    installed: Optional[str]
    by_launcher: bool
    unordered: Tuple[str, ...]


def _launches(job: Job) -> List[Launch]:
    return [_launch(job, step) for step in job.steps]


def _launch(job: Job, step: Step) -> Launch:
    found = tuple(step.origins.values())
    asked = tuple(step.origins[name] for name in ("commands", "mpmd") if name in step.origins)
    variable = (Origin("rule", f"{step.launcher}'s variable"),)
    origins = {"line": found, "programs": asked, "rank": variable, "unordered": variable, "told": found, "installed": found}
    by_launcher, apart = step.commands[0].told is not None, unordered(job, step)
    # Ranks without MPI connect through another file beside the file for the program's status.
    goes_on = step.kill_on_bad_exit is False or bool(by_launcher and apart)
    line, programs = launch(job, step), shared_out(job, step)
    check = installed(job, step)
    return Launch(line, goes_on, origins, step.through, step.rank, programs, step.told, check, by_launcher, apart)


def carried(job: Job, rooms: Optional[Rooms] = None) -> Dict[str, str]:
    """The texts of the programs that the script contains, by the names of their shell variables."""
    return {one.name: _text_of(one, rooms or paths.rooms()) for one in job.carried}


def _carried(job: Job, rooms: Rooms) -> Spelled:
    texts = tuple(carried(job, rooms).items())
    origins = {key: (origin,) for key, origin in job.origins.items() if key.partition(".")[0] == "carried"}
    return Spelled({"carried": texts}, origins)


def _text_of(one: Carried, rooms: Rooms) -> str:
    return source(one.template, rooms).rstrip("\n") if one.template else embed.carried(str(one.package), one.modules)


def _array(job: Job) -> Optional[Spelled]:
    """The values for the templates of task lists: the variable of the index, the command that starts each task, and the words
    of the program."""
    if job.tasks is None:
        return None
    (step,) = job.steps
    variable = schedulers.get(job.scheduler).array_index(job.dialect)
    asked = tuple(step.origins.values())
    values = {"index": variable, "through": " ".join([*starter(job, step), ""]), "words": words(job, step)}
    return Spelled(values, {"index": (Origin("rule", f"{job.scheduler}'s variable"),), "through": asked, "words": asked})


def _body(job: Job) -> str:
    """The name of the workload's template and of its self-check, without the extension."""
    return f"workloads/{job.workload.replace('-', '_')}"


def templates(job: Job) -> Tuple[str, ...]:
    """The files in `templates` that make up the script."""
    body = _body(job)
    runtime = (f"containers/{job.container.runtime}.sh", "containers/wrapper.sh") if job.container else ()
    held = tuple(one.template for one in job.carried if one.template)
    staged = ("staging.sh",) if job.stage else ()
    ordered = ("ordered.sh",) if unordered(job, job.steps[0]) else ()
    told = ("told.sh",) if job.steps[0].told else ()
    return (f"{job.scheduler}.sh", "main.sh", "setup.sh", *staged, *runtime, "carried.sh", *told, *ordered, f"{body}.sh", *held)


def _prepares(setup: Setup) -> bool:
    """Whether the script prepares an environment before it launches programs."""
    return any((setup.init, setup.modules, setup.conda, setup.venv, setup.userbase, setup.env))


def context(job: Job, rooms: Rooms) -> Dict[str, Any]:
    """The names that templates may use."""
    return {
        "job": job,
        "version": __version__,
        "setup": job.setup,
        "staging": staging.spelled(job),
        "prepared": bool(job.stage or job.container or _prepares(job.setup)),
        "container": job.container,
        "runtime": f"containers/{job.container.runtime}.sh" if job.container else None,
        "body": f"{_body(job)}.sh",
        "main": job.carries("launcher"),
        "script": _carried(job, rooms),
        "launches": _launches(job),
        "array": _array(job),
        job.scheduler: schedulers.get(job.scheduler).spelled(job),
    }


def finished(text: str, job: Job) -> str:
    """Remove the directives that have no value. Raises TemplateError if a value is missing in any other line."""
    directive = schedulers.get(job.scheduler).directive
    kept, done = [], 0
    while (at := text.find(NOTHING, done)) >= 0:
        start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at) + 1
        if directive is None or not text.startswith(directive, start):
            line = text[start : end - 1].replace(NOTHING, "…")
            raise TemplateError(f"templates/{job.scheduler}.sh: a value is missing in: {line}")
        kept.append(text[done:start])
        done = end
    return "".join([*kept, text[done:]])
