"""`hpcgen dask-jobqueue`: prints the settings that dask-jobqueue needs at a site."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional

from hpcgen.base.errors import RequestError, among
from hpcgen.cli import options
from hpcgen.cli.messages import note, put
from hpcgen.request.fields import DASK

FORMATS = ("yaml", "python", "json")
PARAMETERS = (
    options.FILE,
    options.WRITE,
    options.FORCE,
    options.own("format", str, "yaml", "--format", metavar="|".join(FORMATS), group=DASK,
                help="a file for Dask's configuration folder, a Python call that makes the cluster, or JSON"),
    options.own("section", str, None, "--section", metavar="NAME", group=DASK,
                help="name of the section in Dask's configuration: jobqueue.NAME"),
    options.own("log_directory", str, None, "--log-directory", metavar="DIR", group=DASK,
                help="folder for the jobs' logs; hpcgen makes it if it is missing"),
    options.own("death_timeout", int, None, "--death-timeout", metavar="SECONDS", group=DASK,
                help="how long a worker looks for the scheduler before it exits"),
    options.own("scheduler_interface", str, None, "--scheduler-interface", metavar="NAME", group=DASK,
                help="network interface of the machine that makes the cluster, if its name differs from that of the workers"),
    options.own("worker_args", str, None, "--worker-arg", multiple=True, metavar="WORD", group=DASK,
                help="additional argument of the worker's command, for example --lifetime=50m (repeatable)"),
)  # fmt: skip


def body(flags: Dict[str, Any], file: Optional[Path], write: Optional[Path], force: bool, format: str, **extras: Any) -> None:
    """Print the site's settings for dask-jobqueue.

    Each job runs the workers of one node; the cluster's scale(jobs=4) submits four jobs.

    \b
    hpcgen dask-jobqueue --site gadi --workers 8 --cpus-per-worker 6 --mem 192G
    """
    from hpcgen.inputs.gather import gather
    from hpcgen.jobqueue import texts
    from hpcgen.jobqueue.exporting import export
    from hpcgen.jobqueue.extras import Extras

    if format not in FORMATS:
        raise RequestError(f"--format: unknown format '{format}'{among(format, FORMATS)}")
    gathered = gather(flags, file)
    found = export(gathered.site, gathered.asked, Extras.of(extras), gathered.rooms).whole()
    note(*found.notes)
    text = {"yaml": texts.yaml, "python": texts.python, "json": texts.as_json}[format](found)
    put(text, write, force, 0o644)


COMMAND = options.command(body, *PARAMETERS)
