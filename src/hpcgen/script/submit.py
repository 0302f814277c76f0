"""The last step: a script is printed, written, submitted or run. Only here the world is touched."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Dict, Iterator, Mapping, Optional

from hpcgen import schedulers
from hpcgen.base.errors import LimitError, RequestError, SubmitError
from hpcgen.base.paths import Rooms
from hpcgen.model.job import Job
from hpcgen.planning import header
from hpcgen.script.render import render


def scripted(job: Job, rooms: Optional[Rooms] = None) -> str:
    """The script. Raises LimitError where it is longer than the scheduler takes."""
    text = render(job, rooms)
    length, most = len(text.encode("utf-8", "surrogateescape")), job.script_max_kib
    if most is not None and length > most * 1024:
        raise LimitError(f"the script has {length} bytes, and the site takes {most} KiB: put long arguments into a file")
    return text


def print_out(text: str) -> None:
    """To stdout, byte for byte: a program's arguments need not be UTF-8."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def write(path: Path, text: str, force: bool = False, mode: int = 0o755) -> None:
    """The whole file or nothing: written beside its place and moved there, with this mode less the umask.

    What a link points to is written, and the link stays. Raises RequestError rather than replace what is no file, or
    a file that hpcgen did not write, unless `force`.
    """
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise RequestError(f"--write: {path} is a folder: name a file in it")
    if os.path.exists(place) and not place.is_file():
        raise RequestError(f"--write: {path} is no plain file: leave out --write to print the text")
    if os.path.exists(place) and not force and not _ours(place):
        raise RequestError(f"--write: {path} is there and hpcgen did not write it: give another name, or --force")
    temporary = place.with_name(f".{os.getpid()}.hpcgen")
    try:
        temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
        temporary.chmod(mode & ~_umask())
        temporary.replace(place)
    except OSError as why:
        raise RequestError(f"--write: {path}: {why.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


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
    """The folders of the job's output that are not here: without them Slurm lets the job vanish without a word."""
    for name in (job.output, job.error):
        place = Path(job.chdir or "", name or "")
        folder = place if (name or "").endswith("/") else place.parent  # PBS takes folders, too
        if name and "%" not in str(folder) and not folder.is_dir():
            yield folder


def log_folders(job: Job) -> Iterator[Path]:
    """Make them. Raises SubmitError."""
    for folder in no_log_folders(job):
        try:
            folder.mkdir(parents=True)
        except OSError as why:
            raise SubmitError(f"{folder}: the log folder cannot be made: {why.strerror}") from None
        yield folder


def clean(environ: Mapping[str, str], scheduler: str) -> Dict[str, str]:
    """The environment without what a surrounding job left in it: those variables would change the new job."""
    of_jobs, kept = schedulers.get(scheduler).inherited, schedulers.get(scheduler).kept
    return {name: value for name, value in environ.items() if name in kept or not name.startswith(of_jobs)}


def submit(job: Job, path: Path, test_only: bool = False) -> str:
    """Hand the file to the scheduler: the job's id, or what its test said. Raises SubmitError with its own words."""
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
        raise SubmitError(f"{command[0]}: no such command here: submit {path} on a login node of {job.site}") from None
    except OSError as why:
        raise SubmitError(f"{command[0]}: {why.strerror}") from None
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    if done.returncode:
        by = f"{command[0]}: "  # some schedulers' messages begin with their own name
        raise SubmitError(*(by + line.removeprefix(by) for line in said or [f"status {done.returncode}"]))
    if test_only:
        return "\n".join(said)
    print(done.stderr, end="", file=sys.stderr)  # its warnings: the person must see them
    if not (number := scheduler.job_id(done.stdout)):
        raise SubmitError(f"{command[0]} took {path} and printed no job id: look with the scheduler's own commands")
    return number


def run(job: Job, rooms: Optional[Rooms] = None) -> int:
    """Run the script with bash here and now: its exit status."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hpcgen-") as folder:
        path = Path(folder, "job.sh")
        write(path, scripted(job, rooms))
        return subprocess.run([*job.shebang.split(), str(path)], env=clean(os.environ, job.scheduler)).returncode
