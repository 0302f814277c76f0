"""A live cluster of dask-jobqueue: passes the export to its class. Dask is imported only here."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shlex
from typing import Any, Dict, Mapping, Optional, Sequence

from hpcgen.base.errors import RequestError
from hpcgen.inputs.gather import gather
from hpcgen.jobqueue.exporting import export
from hpcgen.jobqueue.extras import Extras
from hpcgen.jobqueue.settings import Export
from hpcgen.jobqueue.texts import argument
from hpcgen.request.fields import UNITS, Request
from hpcgen.script import submit

# Arguments of dask-jobqueue's classes, and the arguments of hpcgen to use instead.
INSTEAD = {
    "cores": "cpus_per_task, or workers and cpus_per_worker",
    "memory": "mem",
    "processes": "workers",
    "queue": "partition",
    "project": "account",
    "walltime": "time",
    "job_cpu": "cpus_per_task",
    "job_mem": "mem",
    "mem_limit": "mem",
    "ncpus": "cpus_per_task",
    "resource_spec": "the options for CPUs, memory and GPUs",
    "job_extra_directives": "directive",
    "job_extra": "directive",
    "job_directives_skip": "the site's profile",
    "header_skip": "the site's profile",
    "job_script_prologue": "module, conda, venv and env",
    "env_extra": "module, conda, venv and env",
    "worker_extra_args": "worker_args",
    "extra": "worker_args",
    "shebang": "the site's profile",
    "config_name": "section",
}


def made(site: str, arguments: Mapping[str, Any]) -> Any:
    """The cluster for `hpcgen.jobqueue.cluster`; its arguments are sorted here. Raises RequestError and SiteError."""
    asked = {name: value for name, value in arguments.items() if name in Request.__struct_fields__}
    extras = {name: value for name, value in arguments.items() if name in Extras._fields}
    theirs = {name: value for name, value in arguments.items() if name not in asked and name not in extras}
    if wrong := [f"{name}: not an argument here: use {INSTEAD[name]}" for name in theirs if name in INSTEAD]:
        raise RequestError(*wrong)
    for name, unit in UNITS.items():
        if isinstance(asked.get(name), int) and not isinstance(asked[name], bool):
            asked[name] = unit(asked[name])
    found = gather({**asked, "site": site})
    return alive(export(found.site, found.asked, Extras.of(extras), found.rooms), theirs)


def alive(found: Export, theirs: Dict[str, Any]) -> Any:
    """Calls the class. It reads its jobs' settings from a section of Dask's configuration that nothing else uses.

    Some settings are passed as arguments too: dask-jobqueue 0.9 reads `processes` only from the arguments when it adapts,
    and `cores` and `memory` when it scales by them.
    """
    kind = _class(found.cluster)
    values = {key: value for key, value, _ in found.settings}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    section = f"hpcgen-{digest}"
    importlib.import_module("dask").config.set({f"jobqueue.{section}": values})
    given = {argument(key): values[key] for key in ("cores", "memory", "processes")}
    options = {**values["scheduler-options"], **theirs.pop("scheduler_options", {})}
    _listen(options, values["interface"], found.fallback)
    if job_class := _submitting(kind, found):
        theirs.setdefault("job_cls", job_class)
    for _ in submit.log_folders(found.job):
        pass  # created silently: there is no terminal for a message
    return kind(config_name=section, scheduler_options=options, **given, **theirs)


def _class(name: str) -> Any:
    try:
        return getattr(importlib.import_module("dask_jobqueue"), name)
    except ModuleNotFoundError as why:
        raise RequestError(f"{why.name} is not installed: run pip install 'hpcgen[dask]'") from None


def _listen(options: Dict[str, Any], interface: Optional[str], fallback: Sequence[str]) -> None:
    """Dask's scheduler runs on this machine: an interface that only the compute nodes have would give a traceback from Dask."""
    name = options.get("interface", interface)
    there = sorted(importlib.import_module("psutil").net_if_addrs())
    if not name or "host" in options or name in there:
        return
    if "interface" not in options and (other := next((other for other in fallback if other in there), None)):
        options["interface"] = other
        return
    nearest = next((other for other in there if other != "lo"), "lo")
    raise RequestError(
        f"interface {name}: Dask's scheduler must listen on this machine, which has only {', '.join(there)}: "
        f"use scheduler_interface='{nearest}'"
    )


def _submitting(kind: Any, found: Export) -> Optional[type]:
    """A job class with its own submit command, if needed: with options for the site, and inside a job without the variables
    that would change the new jobs."""
    kept = submit.clean(os.environ, found.job.scheduler)
    inherited = sorted(name for name in os.environ if name not in kept)
    if not inherited and not found.command_line:
        return None
    without = ["env", *(word for name in inherited for word in ("-u", name))] if inherited else []
    job = kind.job_cls
    command = shlex.join([*without, job.submit_command, *found.command_line])
    return type(job.__name__, (job,), {"submit_command": command})
