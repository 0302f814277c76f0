"""The last step: prints, writes, submits or runs the script. All side effects of hpcgen are in this module."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path
from typing import Dict, Iterator, Mapping, Optional

from hpcgen import schedulers
from hpcgen.base.errors import LimitError, RequestError, SubmitError
from hpcgen.base.paths import Rooms
from hpcgen.model.job import Job
from hpcgen.planning import header
from hpcgen.script.render import render

# Messages show at most this much of a path.
LONGEST_SHOWN = 100


def scripted(job: Job, rooms: Optional[Rooms] = None) -> str:
    """Render the script. Raises LimitError if it is longer than the site allows."""
    text = render(job, rooms)
    length, most = len(text.encode("utf-8", "surrogateescape")), job.script_max_kib
    if most is not None and length > most * 1024:
        raise LimitError(f"the script has {length} bytes, and the site allows {most} KiB: put long arguments into a file")
    return text


def print_out(text: str) -> None:
    """Print the text as bytes, because the arguments of a program may be invalid UTF-8."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def write(path: Path, text: str, force: bool = False, mode: int = 0o755) -> None:
    """Write the file atomically, through a temporary file in the same folder, with this mode reduced by the umask.

    If the path is a symbolic link, write its target and keep the link. Raises RequestError if the path is not a regular
    file, or is a file that hpcgen did not write and `force` is false.
    """
    place = Path(os.path.realpath(path))
    _check_place(path, place, force)
    temporary = place.with_name(f".{os.getpid()}.hpcgen")
    try:
        temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
        temporary.chmod(mode & ~_umask())
        temporary.replace(place)
    except OSError as why:
        raise RequestError(f"--write: {_short(path)}: {why.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _check_place(path: Path, place: Path, force: bool) -> None:
    """Raises RequestError if `write` must not write this path, with `place` the target of its links."""
    if str(path).startswith("--"):
        raise RequestError(f"--write {path}: this is an option: give the name of a file after --write")
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as why:  # the name is too long, or links form a loop
        raise RequestError(f"--write: {_short(path)}: {why.strerror}: give another name") from None
    if stat.S_ISDIR(mode):
        raise RequestError(f"--write: {path} is a folder: give the name of a file")
    if not stat.S_ISREG(mode):
        raise RequestError(f"--write: {path} is not a regular file: to print the text, remove --write")
    if not force and not _ours(place):
        raise RequestError(f"--write: {path} exists, and hpcgen did not write it: give another name, or --force to overwrite")


def _short(path: Path) -> str:
    return str(path) if len(str(path)) <= LONGEST_SHOWN else f"{str(path)[:LONGEST_SHOWN]}…"


def _ours(path: Path) -> bool:
    try:
        return any(line.startswith(f"# {header.FIRST}".encode()) for line in path.read_bytes().splitlines()[:3])
    except OSError:
        return False


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def no_log_folders(job: Job) -> Iterator[Path]:
    """The missing folders of the job's output files. Without them the job fails in Slurm, and there is no message."""
    for name in (job.output, job.error):
        place = Path(job.chdir or "", name or "")
        folder = place if (name or "").endswith("/") else place.parent  # PBS takes folders, too
        if name and "%" not in str(folder) and not folder.is_dir():
            yield folder


def log_folders(job: Job) -> Iterator[Path]:
    """Make the missing folders of the job's output files. Raises SubmitError."""
    for folder in no_log_folders(job):
        try:
            folder.mkdir(parents=True)
        except OSError as why:
            raise SubmitError(f"{folder}: cannot make the log folder: {why.strerror}") from None
        yield folder


def clean(environ: Mapping[str, str], scheduler: str) -> Dict[str, str]:
    """Remove the variables of a surrounding job from the environment, because they would change the new job."""
    of_jobs, kept = schedulers.get(scheduler).inherited, schedulers.get(scheduler).kept
    return {name: value for name, value in environ.items() if name in kept or not name.startswith(of_jobs)}


def submit(job: Job, path: Path, test_only: bool = False) -> str:
    """Submit the file and return the job's id, or return the result of `test_only`. Raises SubmitError with the scheduler's
    messages."""
    import subprocess

    scheduler = schedulers.get(job.scheduler)
    command = [*(scheduler.test_only if test_only else scheduler.submit), *scheduler.on_command_line(job)]
    try:
        with open(path if scheduler.stdin else os.devnull, "rb") as file:
            done = subprocess.run(
                [*command, *([] if scheduler.stdin else [str(path)])], stdin=file,
                capture_output=True, text=True, errors="replace", env=clean(os.environ, job.scheduler),
            )  # fmt: skip
    except FileNotFoundError:
        raise SubmitError(f"{command[0]}: command not found: submit {path} on a login node of {job.site}") from None
    except OSError as why:
        raise SubmitError(f"{command[0]}: {why.strerror}") from None
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    if done.returncode:
        by = f"{command[0]}: "  # some schedulers' messages begin with their own name
        raise SubmitError(*(by + line.removeprefix(by) for line in said or [f"status {done.returncode}"]))
    if test_only:
        return "\n".join(said)
    print(done.stderr, end="", file=sys.stderr)  # the scheduler's warnings
    if not (number := scheduler.job_id(done.stdout)):
        raise SubmitError(f"{command[0]} accepted {path} but printed no job id: list your jobs with the scheduler's commands")
    return number


def run(job: Job, rooms: Optional[Rooms] = None) -> int:
    """Run the script with bash on this machine and return its exit status."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hpcgen-") as folder:
        path = Path(folder, "job.sh")
        write(path, scripted(job, rooms))
        return subprocess.run([*job.shebang.split(), str(path)], env=clean(os.environ, job.scheduler)).returncode
