"""What each command does."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple

from hpcgen.cli import options, say
from hpcgen.errors import RequestError
from hpcgen.job import Job

if TYPE_CHECKING:
    from hpcgen.site import Site


def table() -> Dict[str, Callable[[], Any]]:
    """The commands' names and what makes each: the schedulers', then those of this module."""
    from hpcgen import schedulers

    made: Dict[str, Callable[[], Any]] = {name: partial(_of_scheduler, name) for name in schedulers.names()}
    made["script"] = partial(options.command, script, _REQUEST_FILE, options.WRITE, options.FORCE, options.JSON)
    made["submit"] = partial(options.command, submit, *_SUBMIT)
    made["run"] = partial(options.command, run, options.PROGRAM, options.FILE)
    made["explain"] = partial(options.command, explain, options.PROGRAM, options.FILE, options.JSON)
    made["cost"] = _cost
    made["dask-jobqueue"] = _jobqueue
    made["env"] = partial(options.command, env, *_ENV, names=_ENV_FIELDS)
    made["container"] = partial(options.command, container, *_CONTAINER, names=_CONTAINER_FIELDS)
    made["sites"] = _sites
    return made


def _cost() -> Any:
    from hpcgen.cli import costing

    return options.command(costing.body, *costing.PARAMETERS)


def _jobqueue() -> Any:
    from hpcgen.cli import jobqueue

    return options.command(jobqueue.body, *jobqueue.PARAMETERS)


def _sites() -> Any:
    from hpcgen.cli import sites

    return sites.app


_REQUEST_FILE = options.own("file", Path, ..., metavar="FILE", help="request file (TOML)")
_SUBMIT = (
    options.PROGRAM, options.FILE, options.WRITE, options.FORCE, options.JSON,
    options.own("test_only", bool, False, "--test-only", help="let the scheduler check the script, and submit nothing"),
)  # fmt: skip
_PACKAGE = options.own("package", str, None, "--package", multiple=True, metavar="NAME[==VERSION]",
                       help="package to install as well (repeatable)")  # fmt: skip
_WRITE_FILE = options.own("write", Path, None, "--write", "-w", metavar="FILE", help="file to write, in place of stdout")
_ENV = (
    options.FILE, _WRITE_FILE, options.FORCE, _PACKAGE,
    options.own("mpi4py", str, None, "--mpi4py", metavar="|".join(("module", "source", "wheel", "conda", "external")),
                help="how mpi4py comes, in place of the site's way"),
    options.own("intel_channel", bool, False, "--intel-channel", help="Intel MPI from Intel's own conda channel"),
)  # fmt: skip
_ENV_FIELDS = ("site", "workload", "conda", "venv", "userbase", "module", "python")
_CONTAINER = (
    options.FILE, _WRITE_FILE, options.FORCE, _PACKAGE,
    options.own("base", str, None, "--from", metavar="IMAGE", help="image to start from: docker://… or a file or folder here"),
    options.own("by", str, None, "--by", metavar="pip|conda", help="what installs MPI and Python's packages inside"),
)  # fmt: skip
_CONTAINER_FIELDS = ("site", "workload", "image")


def _of_scheduler(name: str) -> Callable[..., None]:
    def body(flags: Dict[str, Any], file: Optional[Path], write: Optional[Path], force: bool, as_json: bool) -> None:
        job = planned(flags, file, name)
        deliver(job, write, force, as_json)

    example = "--workers 4 prog.py" if name == "local" else "--site NAME --hetjob --workers 4 --time 2h prog.py"
    body.__doc__ = f"""Print a script for {name}: `hpcgen {name} {example}`.

    Without a program the script carries a self-check, which says what every rank got."""
    return options.command(body, options.PROGRAM, options.FILE, options.WRITE, options.FORCE, options.JSON)


def planned(flags: Dict[str, Any], file: Optional[Path], scheduler: Optional[str] = None) -> Job:
    """The job that a command line means; its notes have been said."""
    return planned_at(flags, file, scheduler)[1]


def planned_at(flags: Dict[str, Any], file: Optional[Path], scheduler: Optional[str] = None) -> Tuple[Site, Job]:
    from hpcgen import remarks
    from hpcgen.config import gather
    from hpcgen.planning import plan

    site, merged = gather(flags, file, "local" if scheduler == "local" else None)
    if scheduler and site.scheduler.type != scheduler:
        raise RequestError(f"--site: {site.id} runs {site.scheduler.type}, not {scheduler}: use hpcgen {site.scheduler.type}")
    job = plan(site, merged)
    program = merged.request.program
    place = os.path.join(merged.request.chdir or "", os.path.expanduser(program or ""))
    if program and program.endswith(".py") and not merged.request.image and not os.path.exists(place):
        say(f"note: {program} is not here; it must be where the job runs")
    on_path = program and "/" not in program and job.steps[0].commands[0].python is None and not merged.request.image
    if on_path and os.path.isfile(place):
        say(f"note: {program} is looked for on the PATH: write ./{program} for the file that is here")
    for note in (*remarks.assumed(job.assumed), *job.notes):
        say(f"note: {note}")
    return site, job


def deliver(job: Job, write: Optional[Path], force: bool, as_json: bool) -> None:
    from hpcgen import submit as out
    from hpcgen.submit import scripted

    try:
        text = job.to_json() + "\n" if as_json else scripted(job)
    except UnicodeEncodeError:
        raise RequestError(NOT_JSON) from None
    if write is None:
        out.print_out(text)
    else:
        out.write(write, text, force)
        say(f"wrote {write}")
    for folder in dict.fromkeys(out.no_log_folders(job)) if job.scheduler != "local" else ():
        say(f"note: the log folder {folder} is not here: without it a job may vanish (`hpcgen submit` makes it)")


NOT_JSON = "--json: an argument of the program is not UTF-8, which JSON must be"


def script(flags: Dict[str, Any], file: Path, write: Optional[Path], force: bool, as_json: bool) -> None:
    """Print the script of a request file, for the scheduler of its site.

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
    from hpcgen import submit as out

    job = planned(flags, file)
    if not schedulers.get(job.scheduler).submit:
        raise RequestError(f"--site: {job.site} has no scheduler to submit to: use hpcgen run")
    if test_only and not schedulers.get(job.scheduler).test_only:
        raise RequestError(f"--test-only: {job.scheduler} has no way to check a script without submitting it: leave it out")
    path = write or Path(f"{_file_name(job.name)}.sh")
    out.write(path, out.scripted(job), force)
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
    from hpcgen import submit as out

    job = planned(flags, file, "local")
    code = out.run(job)
    if code:
        say(f"the job ended with status {code}")
        sys.exit(1)


def explain(flags: Dict[str, Any], file: Optional[Path], as_json: bool) -> None:
    """Print the script with, beside every line, the fact, flag or rule that put it there; and what the job costs."""
    from hpcgen import explaining

    site, job = planned_at(flags, file)
    lines = explaining.explain(job)
    if as_json:
        import msgspec

        from hpcgen.words import plain

        try:
            print(msgspec.json.encode(lines, enc_hook=plain).decode())
        except UnicodeEncodeError:
            raise RequestError(NOT_JSON) from None
    else:
        from hpcgen.cli import show

        show.explained([*lines, *explaining.cost_line(site, job)])


def env(
    flags: Dict[str, Any], file: Optional[Path], write: Optional[Path], force: bool, package: Any, mpi4py: Optional[str],
    intel_channel: bool,
) -> None:
    """Print what installs the software: an environment.yml, or the shell lines of a venv or of `pip install --user`.

    \b
    hpcgen env --site mahuika --conda dask -w environment.yml
    hpcgen env --site vaughan --userbase ~/dask -w install.sh
    """
    from hpcgen import environment, rendering
    from hpcgen.config import gather

    site, merged = gather(flags, file)
    asked = environment.Asked(tuple(package or ()), mpi4py, intel_channel, write.name if write else None)
    made = environment.choose(site, merged, asked)
    form = "conda.yml" if made.kind == "conda" else f"{made.kind}.sh"
    _hand_out(rendering.document(f"environments/{form}", environment.context(made)), made.notes, write, force)


def container(
    flags: Dict[str, Any], file: Optional[Path], write: Optional[Path], force: bool, package: Any, base: Optional[str],
    by: Optional[str],
) -> None:
    """Print the definition file of an image whose MPI is the site's: `apptainer build` makes the image.

    \b
    hpcgen container --site mahuika -w dask-mpi.def
    hpcgen container --site mahuika --from base.sif --package numpy
    """
    from hpcgen import definition, rendering
    from hpcgen.config import gather

    site, merged = gather(flags, file)
    asked = definition.Asked(tuple(package or ()), base, by, write.name if write else None)
    made = definition.choose(site, merged, asked)
    _hand_out(rendering.document(f"definitions/{made.by}.def", definition.context(made)), made.notes, write, force)


def _hand_out(text: str, notes: Tuple[str, ...], write: Optional[Path], force: bool) -> None:
    from hpcgen import submit as out

    for note in notes:
        say(f"note: {note}")
    if write is None:
        out.print_out(text)
    else:
        out.write(write, text, force, 0o755 if text.startswith("#!") else 0o644)
        say(f"wrote {write}")
