"""The table of commands, and the commands that make a job."""

from __future__ import annotations

import importlib
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, NamedTuple, Optional

from hpcgen.base.errors import RequestError
from hpcgen.cli import options
from hpcgen.cli.messages import Voice, error, note, put, say
from hpcgen.model.job import Job
from hpcgen.profiles.charging import Rates
from hpcgen.request import fields as groups

if TYPE_CHECKING:
    from hpcgen.base.paths import Rooms
    from hpcgen.profiles.site import Site
    from hpcgen.request.fields import Request
    from hpcgen.script.explain import ExplainedLine


def table() -> Dict[str, Callable[[], Any]]:
    """Map the name of each command to the function that builds it. The schedulers' commands come first."""
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
    """Import the module of a command and return the command."""
    return getattr(importlib.import_module(f"hpcgen.cli.{module}"), name)


_SCRIPT = (
    options.own("program", str, None, nargs=-1, metavar="FILE [ARGS]...", show_default=False, group=groups.PROGRAM,
                help="a request file (*.toml), or a program with its arguments"),
    options.own("as_kind", str, None, "--as", metavar="request|script|program", group=groups.PROGRAM,
                help="treat FILE as this type, instead of detecting its type"),
    options.FILE, options.WRITE, options.FORCE, options.JSON,
)
_SUBMIT = (
    options.PROGRAM, options.FILE,
    options.own("write", Path, None, "--write", "-w", metavar="FILE", help="file for the script, instead of JOBNAME.sh"),
    options.FORCE, options.JSON,
    options.own("test_only", bool, False, "--test-only", help="let the scheduler check the script, but do not submit it"),
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

    Without a program, the script runs a self-check that prints the resources of every rank.

    \b
    {start} prog.py
    {start} --workload mpi --ntasks {4 if here else 8} ./prog input.dat
    {last}"""


class Planned(NamedTuple):
    """The planned job, its site, and the folders to search for templates."""

    site: Site
    job: Job
    rooms: Rooms


def planned(
    flags: Dict[str, Any], file: Optional[Path], scheduler: Optional[str] = None, costs: bool = True
) -> Planned:
    """Plan the job of a command line. Print its notes and, if `costs` is true, its cost.

    Raises RequestError if the command is for one scheduler and the site runs another.
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
    if costs and job.time and not Voice.quiet and _charged(site):
        from hpcgen.cli import charges

        note(*charges.of_job(site, asked, job))
    return Planned(site, job, rooms)


def _charged(site: Site) -> bool:
    """Whether the profile contains any rates."""
    return site.charge.rates != Rates() or any(partition.charge != Rates() for partition in site.partitions.values())


def _of_program(request: Request, job: Job) -> Iterator[str]:
    """Yield a note if this machine shows that the job may not find its program."""
    program = request.program
    if program is None or request.image:
        return
    from hpcgen.inputs.places import missing, place

    if program.endswith(".py") and missing(request, program):
        yield f"{program} does not exist here; it must exist where the job runs"
    on_path = "/" not in program and job.steps[0].commands[0].python is None
    if on_path and os.path.isfile(place(request, program) or ""):
        yield f"the job searches the PATH for {program}: write ./{program} to run the file in this folder"


def _of_files(request: Request) -> Iterator[str]:
    """Yield a note for each staged file, and for the image, that does not exist here."""
    from hpcgen.inputs.places import missing

    images = [request.image] if request.image and "://" not in request.image else []
    for name in (*request.stage, *images):
        if "$" not in name and missing(request, name):
            yield f"{name} does not exist here; it must exist where the job runs"


def deliver(found: Planned, write: Optional[Path], force: bool, as_json: bool) -> None:
    """Print or write the script, or the job as JSON. Raises LimitError if the script is longer than the site allows."""
    from hpcgen import schedulers
    from hpcgen.script import submit

    job = found.job
    try:
        text = job.to_json() + "\n" if as_json else submit.scripted(job, found.rooms)
    except UnicodeEncodeError:
        raise RequestError(NOT_JSON) from None
    put(text, write, force, 0o755)
    for folder in dict.fromkeys(submit.no_log_folders(job)) if schedulers.get(job.scheduler).submit else ():
        note(f"the log folder {folder} does not exist: the job may fail without a message (`hpcgen submit` makes it)")


NOT_JSON = "--json: an argument of the program is not valid UTF-8, and JSON requires UTF-8: leave out --json"


def script(
    flags: Dict[str, Any], as_kind: Optional[str], file: Optional[Path], write: Optional[Path], force: bool, as_json: bool
) -> None:
    """Print a script for the site's scheduler: for a request file or for a program.

    Write options before the program. With a request file, you can also write them after it.

    \b
    hpcgen script --site mahuika --time 2h prog.py
    hpcgen script --site vaughan job.toml
    hpcgen script --site vaughan -f job.toml --time 2h prog.py
    """
    from hpcgen.inputs.infer import KINDS, kind_of

    word = flags.get("program")
    if as_kind and as_kind not in KINDS:
        raise RequestError(f"--as: unknown type '{as_kind}': use {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    if word is None and file is None:
        raise RequestError("FILE is missing: give a program or a request file (*.toml)")
    kind = kind_of(word, as_kind) if word is not None else "program"
    if kind == "script":
        raise RequestError(
            f"{word}: hpcgen cannot read batch scripts yet: give its directives as options, or add --as program to run it "
            "as the program of a new job"
        )
    if kind == "request":
        file = _request_file(flags, file)
    deliver(planned(flags, file), write, force, as_json)


def _request_file(flags: Dict[str, Any], file: Optional[Path]) -> Path:
    """Return the request file that the command line names. Raises RequestError if other words follow it."""
    word, rest = flags.pop("program"), flags.pop("args", ())
    if rest:
        raise RequestError(f"{rest[0]}: unexpected argument after the request file {word}: to give a program, use -f {word}")
    if file:
        raise RequestError(f"--file: {file} and {word} are both request files: give only one")
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
        raise RequestError(f"--test-only: {job.scheduler} cannot check a script without submitting it: remove --test-only")
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
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name).lstrip(".-") or "job"


def run(flags: Dict[str, Any], file: Optional[Path]) -> None:
    """Make the script and run it immediately on this machine.

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
    """Return the name that stands for a machine without a scheduler."""
    from hpcgen import schedulers

    return next(name for name in schedulers.names() if schedulers.get(name).one_machine)


def explain(flags: Dict[str, Any], file: Optional[Path], as_json: bool) -> None:
    """Print the script with the reason for every line (a fact, an option or a rule), and what the job costs.

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
    """Yield the job's cost as a comment with its origin, if the job has a time limit. The script does not contain it."""
    from hpcgen.cost import estimate
    from hpcgen.script.explain import ExplainedLine

    if job.time is not None:
        found = estimate.cost(site, job)
        yield ExplainedLine(f"# cost: {estimate.line(found)}", (estimate.whose_rule(site, found),))
