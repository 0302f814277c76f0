"""The table of commands, and what those do that make a job."""

from __future__ import annotations

import importlib
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, NamedTuple, Optional

from hpcgen.base.errors import RequestError
from hpcgen.cli import options
from hpcgen.cli.messages import error, note, put, say
from hpcgen.model.job import Job
from hpcgen.profiles.charging import Rates
from hpcgen.request import fields as groups

if TYPE_CHECKING:
    from hpcgen.base.paths import Rooms
    from hpcgen.profiles.site import Site
    from hpcgen.request.fields import Request
    from hpcgen.script.explain import ExplainedLine


def table() -> Dict[str, Callable[[], Any]]:
    """The commands' names and what makes each, the schedulers' first."""
    from hpcgen import schedulers

    made: Dict[str, Callable[[], Any]] = {name: partial(_of_scheduler, name) for name in schedulers.names()}
    made["script"] = partial(options.command, script, *_SCRIPT, kind=options.FileCommand)
    made["submit"] = partial(options.command, submit, *_SUBMIT)
    made["run"] = partial(options.command, run, options.PROGRAM, options.FILE)
    made["explain"] = partial(options.command, explain, options.PROGRAM, options.FILE, options.JSON)
    made["cost"] = partial(_of_module, "costing", "COMMAND")
    made["dask-jobqueue"] = partial(_of_module, "jobqueue", "COMMAND")
    made["env"] = partial(_of_module, "installing", "ENV")
    made["container"] = partial(_of_module, "installing", "CONTAINER")
    made["sites"] = partial(_of_module, "sites", "app")
    made["help"] = partial(_of_module, "helping", "COMMAND")
    return made


def _of_module(module: str, name: str) -> Any:
    """A command with a module of its own, which is imported when the command is called for."""
    return getattr(importlib.import_module(f"hpcgen.cli.{module}"), name)


_SCRIPT = (
    options.own("program", str, None, nargs=-1, metavar="FILE [ARGS]...", show_default=False, group=groups.PROGRAM,
                help="a request file (*.toml), or a program with its arguments"),
    options.own("as_kind", str, None, "--as", metavar="request|script|program", group=groups.PROGRAM,
                help="what FILE is, instead of what its name and its first lines say"),
    options.FILE, options.WRITE, options.FORCE, options.JSON,
)
_SUBMIT = (
    options.PROGRAM, options.FILE,
    options.own("write", Path, None, "--write", "-w", metavar="FILE", help="file for the script, instead of JOBNAME.sh"),
    options.FORCE, options.JSON,
    options.own("test_only", bool, False, "--test-only", help="only let the scheduler check the script; submit nothing"),
)  # fmt: skip


def _of_scheduler(name: str) -> options.RequestCommand:
    def body(flags: Dict[str, Any], file: Optional[Path], write: Optional[Path], force: bool, as_json: bool) -> None:
        deliver(planned(flags, file, name), write, force, as_json)

    body.__doc__ = _about_scheduler(name)
    return options.command(body, options.PROGRAM, options.FILE, options.WRITE, options.FORCE, options.JSON)


def _about_scheduler(name: str) -> str:
    from hpcgen import schedulers

    here = schedulers.get(name).one_machine
    start = f"hpcgen {name}" if here else f"hpcgen {name} --site NAME --time 2h"
    last = f"{start} --hetjob --workers 8 prog.py" if options.hetjobs(name) else f"{start} --workers 4 prog.py"
    return f"""Print a script for {"this machine" if here else name}.

    Without a program, the script runs a self-check, which prints what every rank got.

    \b
    {start} prog.py
    {start} --workload mpi --ntasks {4 if here else 8} ./prog input.dat
    {last}"""


class Planned(NamedTuple):
    """The job that a command line means, its site, and the rooms of templates."""

    site: Site
    job: Job
    rooms: Rooms


def planned(
    flags: Dict[str, Any], file: Optional[Path], scheduler: Optional[str] = None, costs: bool = True
) -> Planned:
    """What a command line means. It prints the notes, and what the job costs if `costs`.

    Raises RequestError if the site runs another scheduler than the command is for.
    """
    from hpcgen import schedulers
    from hpcgen.inputs.gather import gather
    from hpcgen.planning import remarks
    from hpcgen.planning.plan import plan

    usual = schedulers.get(scheduler).site if scheduler else None
    site, asked, rooms, inferred = gather(flags, file, usual, of_job=True)
    if scheduler and site.scheduler.type != scheduler:
        raise RequestError(f"--site: {site.id} runs {site.scheduler.type}, not {scheduler}: use hpcgen {site.scheduler.type}")
    note(*inferred)
    job = plan(site, asked)
    note(*_of_program(asked.request, job), *_of_files(asked.request), *remarks.assumed(job.assumed), *job.notes)
    if costs and job.time and _charged(site):
        from hpcgen.cli import charges

        note(*charges.of_job(site, asked, job))
    return Planned(site, job, rooms)


def _charged(site: Site) -> bool:
    """Whether the profile says what jobs cost."""
    return site.charge.rates != Rates() or any(partition.charge != Rates() for partition in site.partitions.values())


def _of_program(request: Request, job: Job) -> Iterator[str]:
    """Whether the program is where the job will look for it, as far as that can be seen here."""
    program = request.program
    if program is None or request.image:
        return
    place = os.path.join(request.chdir or "", os.path.expanduser(program))
    if program.endswith(".py") and not os.path.exists(place):
        yield f"{program} is not here; it must be where the job runs"
    on_path = "/" not in program and job.steps[0].commands[0].python is None
    if on_path and os.path.isfile(place):
        yield f"{program} is looked for on the PATH: write ./{program} for the file that is here"


def _of_files(request: Request) -> Iterator[str]:
    """What the job stages, and its image, where they are files and not here."""
    images = [request.image] if request.image and "://" not in request.image else []
    for name in (*request.stage, *images):
        if "$" not in name and not os.path.exists(os.path.join(request.chdir or "", os.path.expanduser(name))):
            yield f"{name} is not here; it must be where the job runs"


def deliver(found: Planned, write: Optional[Path], force: bool, as_json: bool) -> None:
    """Print or write the script, or the job as JSON. Raises LimitError for a script longer than the site takes."""
    from hpcgen import schedulers
    from hpcgen.script import submit

    job = found.job
    try:
        text = job.to_json() + "\n" if as_json else submit.scripted(job, found.rooms)
    except UnicodeEncodeError:
        raise RequestError(NOT_JSON) from None
    put(text, write, force, 0o755)
    for folder in dict.fromkeys(submit.no_log_folders(job)) if schedulers.get(job.scheduler).submit else ():
        note(f"the log folder {folder} is not here: without it a job may vanish (`hpcgen submit` makes it)")


NOT_JSON = "--json: an argument of the program is not UTF-8, which JSON must be"


def script(
    flags: Dict[str, Any], as_kind: Optional[str], file: Optional[Path], write: Optional[Path], force: bool, as_json: bool
) -> None:
    """Print a script for the site's scheduler, from a request file or for a program.

    Options go before a program, and before or after a request file.

    \b
    hpcgen script --site mahuika --time 2h prog.py
    hpcgen script --site vaughan job.toml
    hpcgen script --site vaughan -f job.toml --time 2h prog.py
    """
    from hpcgen.inputs.infer import KINDS, kind_of

    word = flags.get("program")
    if as_kind and as_kind not in KINDS:
        raise RequestError(f"--as: '{as_kind}' is none of {', '.join(KINDS)}")
    if word is None and file is None:
        raise RequestError("FILE: it is missing: name a program, or a request file (*.toml)")
    kind = kind_of(word, as_kind) if word is not None else "program"
    if kind == "script":
        raise RequestError(
            f"{word}: hpcgen cannot read batch scripts yet: write its directives as options; to run it as the program of "
            "a new job, add --as program"
        )
    if kind == "request":
        file = _request_file(flags, file)
    deliver(planned(flags, file), write, force, as_json)


def _request_file(flags: Dict[str, Any], file: Optional[Path]) -> Path:
    """The request file out of the words of the command line. Raises RequestError if there is more than that."""
    word, rest = flags.pop("program"), flags.pop("args", ())
    if rest:
        raise RequestError(f"{rest[0]}: it follows the request file {word}: write -f {word} before a program")
    if file:
        raise RequestError(f"--file: {file} and {word} are both request files: give one of them")
    return Path(word)


def submit(
    flags: Dict[str, Any], file: Optional[Path], write: Optional[Path], force: bool, as_json: bool, test_only: bool
) -> None:
    """Write the script, submit it and print the job's id.

    \b
    hpcgen submit --site mahuika --hetjob mydask.py
    hpcgen submit --site mahuika --test-only mydask.py
    """
    from hpcgen import schedulers
    from hpcgen.script import submit as out

    _, job, rooms = planned(flags, file)
    if not schedulers.get(job.scheduler).submit:
        raise RequestError(f"--site: {job.site} has no scheduler to submit to: use hpcgen run")
    if test_only and not schedulers.get(job.scheduler).test_only:
        raise RequestError(f"--test-only: {job.scheduler} has no way to check a script without submitting it: leave it out")
    path = write or Path(f"{_file_name(job.name)}.sh")
    out.write(path, out.scripted(job, rooms), force)
    say(f"wrote {path}")
    for folder in out.log_folders(job):
        say(f"made the log folder {folder}")
    answer = out.submit(job, path, test_only)
    if as_json:
        import json

        print(json.dumps({"script": str(path), "job_id": None if test_only else answer, "answer": answer}))
    else:
        print(answer)


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name).lstrip(".") or "job"


def run(flags: Dict[str, Any], file: Optional[Path]) -> None:
    """Make the script and run it on this machine, now.

    If the script fails, hpcgen exits with 1 and prints the script's status.

    \b
    hpcgen run --workers 4 dask_example.py
    hpcgen run --workload mpi --ntasks 4 ./prog
    """
    from hpcgen.script import submit as out

    _, job, rooms = planned(flags, file, _here())
    code = out.run(job, rooms)
    if code:
        error(f"the job ended with status {code}")
        sys.exit(1)


def _here() -> str:
    """The scheduler's name of a machine without one."""
    from hpcgen import schedulers

    return next(name for name in schedulers.names() if schedulers.get(name).one_machine)


def explain(flags: Dict[str, Any], file: Optional[Path], as_json: bool) -> None:
    """Print the script, what the job costs, and the reason for every line: the fact, flag or rule that put it there.

    \b
    hpcgen explain --site mahuika --hetjob prog.py
    """
    from hpcgen.script.explain import explain

    site, job, rooms = planned(flags, file, costs=False)
    lines = explain(job, rooms)
    if as_json:
        import msgspec

        from hpcgen.base.kinds import plain

        try:
            print(msgspec.json.encode(lines, enc_hook=plain).decode())
        except UnicodeEncodeError:
            raise RequestError(NOT_JSON) from None
    else:
        from hpcgen.cli import show

        show.explained([*lines, *_cost(site, job)])


def _cost(site: Site, job: Job) -> Iterator[ExplainedLine]:
    """What the job costs, as a comment, and whose rule that is; nothing without a time limit. It is no line of the script."""
    from hpcgen.cost import estimate
    from hpcgen.script.explain import ExplainedLine

    if job.time is not None:
        found = estimate.cost(site, job)
        yield ExplainedLine(f"# cost: {estimate.line(found)}", (estimate.whose_rule(site, found),))
