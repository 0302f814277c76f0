"""Requests that a site refuses, whatever the job looks like."""

from __future__ import annotations

import re
from typing import Iterator, List, Tuple

import msgspec

from hpcgen.base import toml
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import option, option_given
from hpcgen.launch import launchers, mpis
from hpcgen.model.forms import ARRAY
from hpcgen.model.job import Origins
from hpcgen.planning import hetjob, steps
from hpcgen.planning.case import cited
from hpcgen.profiles.site import Site
from hpcgen.request.fields import GPUS, Request, gpus_asked
from hpcgen.schedulers import Scheduler
from hpcgen.workloads import Workload

# Options that belong to one workload only.
ONLY = {
    "nproc_per_node": "torchrun", "object_store_memory": "ray", "symmetric_run": "ray", "mpmd": "mpi",
    "commands": "array", "table": "array", "tasks": "array", "chunk": "array", "throttle": "array",
}  # fmt: skip


def meant(request: Request, origins: Origins, workload: Workload) -> Tuple[Request, List[str]]:
    """The request without the settings that a configuration or profile makes for other workloads, and a note for each."""
    others = [name for name, only in ONLY.items() if only != workload.name]
    found = [
        name
        for name in (*workload.refuses, *others)
        if getattr(request, name) not in (None, ()) and name in origins and origins[name].kind in ("config", "fact")
    ]
    defaults = {field.name: field.default for field in toml.fields(Request)}
    kept = msgspec.structs.replace(request, **{name: defaults[name] for name in found})
    return kept, [f"{origins[name].text}: ignored, because --workload {workload.name} does not use it" for name in found]


def refuse(site: Site, request: Request, workload: Workload, scheduler: Scheduler) -> None:
    """Raises RequestError with every problem found."""
    problems = [
        *_of_workload(request, workload),
        *_of_account(site, request, scheduler),
        *_of_hetjob(site, request, workload, scheduler),
        *_of_array(site, request),
        *_of_gpus(request),
        *_of_container(request),
        *_of_launcher(site, request, workload),
        *_of_runner(site, request, scheduler),
        *_of_python(request),
    ]
    if problems:
        raise RequestError(*problems)


def _of_workload(request: Request, workload: Workload) -> Iterator[str]:
    for name in workload.refuses:
        if _asked(request, name):
            yield f"{option(name)}: --workload {workload.name} does not take this option: leave it out"
    for name, only in ONLY.items():
        if _asked(request, name) and workload.name != only:
            yield f"{option(name)}: only --workload {only} takes this option: leave it out, or use --workload {only}"


def _asked(request: Request, name: str) -> bool:
    """Whether the request sets this option, other than to switch it off. Note that 0 is a value, and equal to False."""
    value = getattr(request, name)
    return value is not False and value not in (None, ())


def _of_account(site: Site, request: Request, scheduler: Scheduler) -> Iterator[str]:
    if site.scheduler.account_required and not request.account:
        variable = f", or export {scheduler.account_variable}" if scheduler.account_variable else ""
        where = cited(site.cite("scheduler", "account_required"))
        yield (
            f"--account: {site.id} charges every job to an account {where}: give --account NAME, or set "
            f'account = "NAME" under [sites.{site.id}] in ~/.config/hpcgen/config.toml{variable}'
        )


def _of_hetjob(site: Site, request: Request, workload: Workload, scheduler: Scheduler) -> Iterator[str]:
    lacking = hetjob.lacking(site, scheduler, workload, steps.mpi_launcher(site, request))
    if request.hetjob and request.runner != "local" and lacking:
        yield f"--hetjob: {lacking}"


def _of_array(site: Site, request: Request) -> Iterator[str]:
    if request.array and site.scheduler.arrays is False:
        advice = site.scheduler.arrays_advice or "submit the jobs one by one"
        where = cited(site.cite("scheduler", "arrays"))
        yield f"--array {request.array}: {site.id} does not allow job arrays {where}: {advice}"
    if request.array and not re.fullmatch(ARRAY, request.array):
        yield f"--array: '{request.array}' is not a list of indices: write 1-10, 0-99:3 or 1,5,9%2"


def _of_gpus(request: Request) -> Iterator[str]:
    for name in GPUS:
        value = getattr(request, name)
        if value and not re.fullmatch(r"([A-Za-z][\w.-]*:)?[1-9]\d{0,5}", value):
            yield f"{option(name)}: '{value}' is not a number of GPUs: write 2 or h100:2"
    gres_alone = msgspec.structs.replace(request, **dict.fromkeys(GPUS))
    if any(getattr(request, name) for name in GPUS) and (asked := gpus_asked(gres_alone)):
        yield f"--gres gpu:{asked.number} and --gpus both ask for GPUs: give one of them"


def _of_container(request: Request) -> Iterator[str]:
    if alone := [option(name) for name in ("bind", "container_verb") if getattr(request, name) and not request.image]:
        yield f"{' and '.join(alone)}: {'these need' if len(alone) > 1 else 'this needs'} a container: give --image as well"
    for bind in request.bind:
        if any(part.count(":") > 2 for part in bind.split(",")):
            yield f"--bind {bind}: too many colons: write FOLDER, FOLDER:PLACE or FOLDER:PLACE:ro"


def _of_launcher(site: Site, request: Request, workload: Workload) -> Iterator[str]:
    launcher = steps.mpi_launcher(site, request) if workload.mpi else "none"
    if request.kill_on_bad_exit is not None and not launchers.get(launcher).of_slurm:
        kill = option_given("kill_on_bad_exit", request.kill_on_bad_exit)
        yield f"{kill}: only srun has this option, and {launcher} starts this job: leave it out"
    if request.mpmd and workload.mpi and launchers.get(launcher).rank is None:
        where = cited(site.cite("mpi", "launcher"))
        yield f"--mpmd: {launcher} at {site.id} {where} can start only one program: leave it out"
    if request.mpi and site.mpi.flavour and not mpis.joins(mpis.get(site.mpi.flavour), request.mpi):
        yield f"--mpi {request.mpi}: {site.mpi.flavour} at {site.id} does not start with this type: leave it out"


def _of_runner(site: Site, request: Request, scheduler: Scheduler) -> Iterator[str]:
    if request.runner == "slurm" and not launchers.get(scheduler.own_launcher or "none").of_slurm:
        yield f"--runner slurm: {site.id} does not run Slurm: leave out --runner"
    for name in {"local": ("mpi", "interface"), "slurm": ("mpi",)}.get(request.runner or "", ()):
        if value := getattr(request, name):
            yield f"{option(name)} {value}: it has no effect with --runner {request.runner}: leave out one of them"


def _of_python(request: Request) -> Iterator[str]:
    if request.userbase and ":" in request.userbase:
        yield f"--userbase: '{request.userbase}' contains ':', which separates folders on PATH: use a folder without one"
