"""The origin of every value in a script's lines: a fact, a flag, a key of a file, or a rule."""

from __future__ import annotations

from typing import Dict, Optional

import msgspec

from hpcgen import workloads
from hpcgen.model.job import Component, Job, Origin, Origins
from hpcgen.profiles.site import Site
from hpcgen.request.fields import GPUS

# Fields that a job takes straight from its request.
JOB_WIDE = (
    "account", "qos", "array", "output", "error", "open_mode", "mail_type", "mail_user", "dependency", "reservation",
    "requeue", "signal", "export", "chdir", "comment",
)  # fmt: skip

# The request's keys behind a component's fields, where the names differ.
DERIVED = {
    "ntasks": ("workers", "ntasks"),
    "cpus_per_task": ("cpus_per_worker", "cpus_per_task", "cpus_per_gpu"),
    "mem_mib": ("mem",),
    "mem_per_cpu_mib": ("mem_per_cpu",),
    "mem_per_gpu_mib": ("mem_per_gpu",),
    "gpus": (*GPUS, "gres"),
    "gres": ("gres",),
    "env": ("env",),
    "tmp_mib": ("tmp",),
}

# Defaults of a component.
UNASKED = {
    "cpus_per_task": Origin("default", "one CPU per task, unless you set it"),
    "mem_per_cpu_mib": Origin("default", "1G per CPU, unless you set it"),
    "mem_mib": Origin("rule", "all memory of exclusive nodes"),
}


def item_key(field: str, item: object) -> str:
    """The key for the origin of one item of a list or of one variable, if items differ: ``env.OMP_NUM_THREADS``."""
    return f"{field}.{item[0] if isinstance(item, tuple) else item}"


def own(origins: Origins, keys: Dict[str, str], *more: Dict[str, Optional[Origin]]) -> Origins:
    """The origins of an object's fields: `keys` names each field's key in the request, `more` gives the others."""
    found = {attr: origins[key] for attr, key in keys.items() if key in origins}
    for extra in more:
        found.update({attr: origin for attr, origin in extra.items() if origin is not None and attr not in found})
    return found


def explained(site: Site, job: Job, origins: Origins) -> Job:
    """The job with the origin of every value in its lines."""
    parts = tuple(msgspec.structs.replace(c, origins=_of_component(site, job, c, origins)) for c in job.components)
    return msgspec.structs.replace(job, components=parts, origins=_of_job(site, job, origins))


def _of_job(site: Site, job: Job, origins: Origins) -> Origins:
    """Origins for the whole job: options, header, comments, and the programs that the script carries."""
    array = Origin("rule", f"{job.tasks.count} {job.tasks.kind}, {job.tasks.chunk} for each index") if job.tasks else None
    launcher = Origin("rule", f"starts the program in the job: src/hpcgen/{'ray' if job.workload == 'ray' else 'dask'}")
    check = f"no program was named: templates/workloads/{job.workload.replace('-', '_')}.py"
    fixed = {
        "name": origins.get("job_name", Origin("rule", "the program's name, or the workload's")),
        "time": origins.get("time", Origin("default", "one hour, unless the partition has less")),
        "shebang": site.cite("shell", "shebang"),
        "scheduler_version": origins.get("hetjob", Origin("rule", "between components")),
        "header": Origin("rule", "how the script was made"),
        "interfaces": origins.get("interface", site.cite("network", "interface")),
        "joined": Origin("rule", "no --error: its lines go to the output"),
        "directives": origins.get("directive", site.cite("scheduler", "extra")),
        "carried": launcher,
        "carried.launcher": launcher,
        "carried.row": Origin("rule", "reads one row of the table: templates/workloads/array.py"),
        "carried.selfcheck": Origin("rule", check),
    }
    asked = {key: origins[key] for key in (*JOB_WIDE, "stage") if key in origins}
    return {**({"array": array} if array else {}), **asked, **fixed, **_of_dialect(site, job, origins)}


def _of_dialect(site: Site, job: Job, origins: Origins) -> Origins:
    """Origins of the scheduler's own table, and of the job-wide resources, which come from it or from the request."""
    table, kind = site.dialect, site.scheduler.type
    if table is None:
        return {}
    found = {f"dialect.{key}": site.cite(kind, key) for key in table.stated()}
    of_site = site.cite(kind, "resources")
    found["resources"] = origins.get("resource", of_site)
    known = getattr(table, "resources", {})
    for name, value in job.resources:
        if known.get(name, "").replace("{account}", str(job.account)) == value:
            found[item_key("resources", (name,))] = of_site
    return found


def _of_tasks(job: Job, c: Component, origins: Origins) -> str:
    """Why there is this number of tasks, if no option sets it."""
    if "ntasks_per_node" in origins and c.nodes and c.ntasks_per_node and c.ntasks == c.nodes * c.ntasks_per_node:
        return f"--nodes times --ntasks-per-node: {c.nodes} times {c.ntasks_per_node}"
    if workloads.get(job.workload).one_a_node:
        return "one process per node"
    if c.ntasks == 1:
        return "one task"
    if c.role == "all":
        return f"{c.ntasks - 2} workers, the scheduler and the client, one rank each"
    return f"{job.workload}: {c.role}"


def _of_component(site: Site, job: Job, c: Component, origins: Origins) -> Origins:
    """For each field: the option of its name, else the options that it is derived from, else the workload's rule."""
    found = {field: origins[field] for field in c.__struct_fields__ if field in origins}
    for field, keys in DERIVED.items():
        unasked = UNASKED.get(field) or Origin("rule", _of_tasks(job, c, origins))
        found.setdefault(field, next((origins[key] for key in keys if key in origins), unasked))
    if c.role == workloads.SMALL:
        small = Origin("rule", "one CPU and 1G each for the scheduler and the client")
        memory = origins.get("scheduler_mem", small)
        found.update(cpus_per_task=origins.get("scheduler_cpus", small), mem_per_cpu_mib=memory, mem_mib=memory)
        found.update(ntasks=Origin("rule", "scheduler and client, one rank each"), nodes=Origin("rule", "both on one node"))
    if c.role == workloads.HEAD:
        head = Origin("rule", "two CPUs and 4G for Ray's head and the program, unless you set it")
        found.update(cpus_per_task=origins.get("scheduler_cpus", head), mem_per_cpu_mib=origins.get("scheduler_mem", head))
        found["ntasks"] = Origin("rule", "the head, on its own node")
    return {**found, **_of_gpus(site, c, found["gpus"], any(key in origins for key in GPUS)), **c.origins}


def _of_gpus(site: Site, c: Component, asked: Origin, counted: bool) -> Origins:
    """Who asked for the GPUs; who decides how to count them, if the user `counted` them; who wants the type to be named."""
    named, made = c.origins.get("gpu_type"), asked
    if c.gpus and c.gpus.style != "gpus" and counted:
        made = _by(made, site.cite("scheduler", "gpu_request"), "by")
    if c.gpus and named:
        made = _by(made, named, f"of type {c.gpus.type} by")
    return {"gpus": made, "gres": made} if c.gpus and c.gpus.style == "gres" else {"gpus": made}


def _by(asked: Origin, way: Origin, how: str) -> Origin:
    return Origin(asked.kind, f"{asked.text}, {how} {way.text}", way.source, way.date, way.url)
