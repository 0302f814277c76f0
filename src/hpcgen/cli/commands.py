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
from hpcgen.cli.messages import note, put, say
from hpcgen.model.job import Job

if TYPE_CHECKING:
    from hpcgen.base.paths import Rooms
    from hpcgen.profiles.site import Site
    from hpcgen.request.fields import Request
    from hpcgen.script.explain import ExplainedLine


def table() -> Dict[str, Callable[[], Any]]:
    """The commands' names and what makes each, the schedulers' first."""
    from hpcgen import schedulers

    made: Dict[str, Callable[[], Any]] = {name: partial(_of_scheduler, name) for name in schedulers.names()}
    made["script"] = partial(options.command, script, _REQUEST_FILE, options.WRITE, options.FORCE, options.JSON)
    made["submit"] = partial(options.command, submit, *_SUBMIT)
    made["run"] = partial(options.command, run, options.PROGRAM, options.FILE)
    made["explain"] = partial(options.command, explain, options.PROGRAM, options.FILE, options.JSON)
    made["cost"] = partial(_of_module, "costing", "COMMAND")
    made["dask-jobqueue"] = partial(_of_module, "jobqueue", "COMMAND")
    made["env"] = partial(_of_module, "installing", "ENV")
    made["container"] = partial(_of_module, "installing", "CONTAINER")
    made["sites"] = partial(_of_module, "sites", "app")
    return made


def _of_module(module: str, name: str) -> Any:
    """A command with a module of its own, which is imported when the command is called for."""
    return getattr(importlib.import_module(f"hpcgen.cli.{module}"), name)


_REQUEST_FILE = options.own("file", Path, ..., metavar="FILE", help="request file (TOML)")
_SUBMIT = (
    options.PROGRAM, options.FILE,
    options.own("write", Path, None, "--write", "-w", metavar="FILE", help="file of the script, in place of JOBNAME.sh"),
    options.FORCE, options.JSON,
    options.own("test_only", bool, False, "--test-only", help="let the scheduler check the script, and submit nothing"),
)  # fmt: skip


def _of_scheduler(name: str) -> Callable[..., None]:
    from hpcgen import schedulers

    def body(flags: Dict[str, Any], file: Optional[Path], write: Optional[Path], force: bool, as_json: bool) -> None:
        deliver(planned(flags, file, name), write, force, as_json)

    here = schedulers.get(name).one_machine
    example = "--workers 4 prog.py" if here else "--site NAME --hetjob --workers 4 --time 2h prog.py"
    body.__doc__ = f"""Print a script for {"this machine" if here else name}: `hpcgen {name} {example}`.

    Without a program the script carries a self-check, which says what every rank got."""
    return options.command(body, options.PROGRAM, options.FILE, options.WRITE, options.FORCE, options.JSON)


class Planned(NamedTuple):
    """The job that a command line means, its site, and the rooms of templates."""

    site: Site
    job: Job
    rooms: Rooms


def planned(flags: Dict[str, Any], file: Optional[Path], scheduler: Optional[str] = None) -> Planned:
    """What a command line means; its notes have been said. Raises RequestError where the site runs another scheduler than the
    command is for."""
    from hpcgen import schedulers
    from hpcgen.inputs.gather import gather
    from hpcgen.planning import remarks
    from hpcgen.planning.plan import plan

    site, asked, rooms = gather(flags, file, schedulers.get(scheduler).site if scheduler else None)
    if scheduler and site.scheduler.type != scheduler:
        raise RequestError(f"--site: {site.id} runs {site.scheduler.type}, not {scheduler}: use hpcgen {site.scheduler.type}")
    job = plan(site, asked)
    note(*_of_program(asked.request, job), *_of_files(asked.request), *remarks.assumed(job.assumed), *job.notes)
    return Planned(site, job, rooms)


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


def script(flags: Dict[str, Any], file: Path, write: Optional[Path], force: bool, as_json: bool) -> None:
    """Print the script of a request file, for its site's scheduler.

    \b
    hpcgen script --site vaughan job.toml
    """
    deliver(planned(flags, file), write, force, as_json)


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
    """Run the script on this machine, now: `hpcgen run --site local --workers 4 dask_example.py`.

    Exits with 1 when it fails; the message says its status.
    """
    from hpcgen.script import submit as out

    _, job, rooms = planned(flags, file, _here())
    code = out.run(job, rooms)
    if code:
        say(f"the job ended with status {code}")
        sys.exit(1)


def _here() -> str:
    """The scheduler's name of a machine without one."""
    from hpcgen import schedulers

    return next(name for name in schedulers.names() if schedulers.get(name).one_machine)


def explain(flags: Dict[str, Any], file: Optional[Path], as_json: bool) -> None:
    """Print the script and the reason for every line: the fact, flag or rule that put it there; and what the job costs."""
    from hpcgen.script.explain import explain

    site, job, rooms = planned(flags, file)
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
