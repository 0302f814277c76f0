"""The origin of every value that a script's lines show: a fact, a flag, a key of a file, or a rule."""

from __future__ import annotations

from typing import Dict, Optional

import msgspec

from hpcgen.job import Job, Origin, Origins
from hpcgen.request import GPUS
from hpcgen.site import Site

# The fields that a job has straight from its request.
JOB_WIDE = (
    "account", "qos", "array", "output", "error", "open_mode", "mail_type", "mail_user", "dependency", "reservation",
    "requeue", "signal", "export", "chdir", "comment",
)  # fmt: skip


# Which keys of a request a component's fields come from, where the names differ.
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

# What holds of a component where nothing was asked.
UNASKED = {
    "cpus_per_task": Origin("default", "one CPU a task, unless asked otherwise"),
    "mem_per_cpu_mib": Origin("default", "1G a CPU, unless asked otherwise"),
    "mem_mib": Origin("rule", "all memory of nodes that are not shared"),
}


def item_key(field: str, item: object) -> str:
    """The key for the origin of one item of a list, or of one variable, where items differ: ``env.OMP_NUM_THREADS``."""
    return f"{field}.{item[0] if isinstance(item, tuple) else item}"


def own(origins: Origins, keys: Dict[str, str], *more: Dict[str, Optional[Origin]]) -> Origins:
    """The origins of fields whose keys in the request are `keys`; `more` says those of the rest."""
    found = {attr: origins[key] for attr, key in keys.items() if key in origins}
    for extra in more:
        found.update({attr: origin for attr, origin in extra.items() if origin is not None and attr not in found})
    return found


def explained(site: Site, job: Job, origins: Origins) -> Job:
    """The job with the origin of every value that its lines show."""
    wide = {key: origins[key] for key in (*JOB_WIDE, "time") if key in origins}
    wide.setdefault("time", Origin("default", "one hour, unless the partition has less"))
    wide["name"] = origins.get("job_name", Origin("rule", "the program's name, or the workload's"))
    wide["shebang"] = site.cite("shell", "shebang")
    wide["scheduler_version"] = origins.get("hetjob", Origin("rule", "between components"))
    wide["header"] = Origin("rule", "how the script was made")
    wide["interfaces"] = origins.get("interface", site.cite("network", "interface"))
    wide["joined"] = Origin("rule", "no --error: its lines go to the output")
    if table := site.dialect():
        wide.update({f"dialect.{key}": site.cite(site.scheduler.type, key) for key in table.stated()})
        wide["resources"] = origins.get("resource", site.cite(site.scheduler.type, "resources"))
        known = getattr(table, "resources", {})
        for name, value in job.resources:
            if known.get(name, "").replace("{account}", str(job.account)) == value:
                wide[item_key("resources", (name,))] = site.cite(site.scheduler.type, "resources")
    check = f"no program was named: templates/workloads/{job.workload.replace('-', '_')}.py"
    wide["carried.row"] = Origin("rule", "reads one row of the table: templates/workloads/array.py")
    if job.stage and "stage" in origins:
        wide["stage"] = origins["stage"]
    if job.tasks:
        wide.setdefault("array", Origin("rule", f"{job.tasks.count} {job.tasks.kind}, {job.tasks.chunk} for each index"))
    wide["carried.selfcheck"] = Origin("rule", check)
    package = "ray" if job.workload == "ray" else "dask"
    wide["carried.launcher"] = wide["carried"] = Origin("rule", f"starts the program in the job: src/hpcgen/{package}")
    wide["directives"] = origins.get("directive", site.cite("scheduler", "extra"))
    parts = []
    for c in job.components:
        own = {f: origins[f] for f in c.__struct_fields__ if f in origins}
        for field, keys in DERIVED.items():
            unasked = UNASKED.get(field, Origin("rule", f"{job.workload}: {c.role}"))
            own.setdefault(field, next((origins[k] for k in keys if k in origins), unasked))
        if c.role == "scheduler and client":
            small = Origin("rule", "one CPU and 1G for the scheduler and for the client, each")
            own.update(ntasks=Origin("rule", "scheduler and client, a rank each"), nodes=Origin("rule", "both on one node"),
                       cpus_per_task=origins.get("scheduler_cpus", small), mem_per_cpu_mib=origins.get("scheduler_mem", small),
                       mem_mib=origins.get("scheduler_mem", small))
        if c.gpus and c.gpus.style != "gpus" and any(key in origins for key in GPUS):
            asked, way = own["gpus"], site.cite("scheduler", "gpu_request")
            own["gres"] = own["gpus"] = Origin(asked.kind, f"{asked.text}, by {way.text}", way.source, way.date, way.url)
        parts.append(msgspec.structs.replace(c, origins={**own, **c.origins}))
    return msgspec.structs.replace(job, components=tuple(parts), origins=wide)
