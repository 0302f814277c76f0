"""No option can vanish: under every scheduler and for every workload it is written, refused, or told of in a note."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, NamedTuple, Optional, get_args, get_origin

import pytest
import tiny
from stubs import flags

from hpcgen import RequestError, plan, render, schedulers, workloads
from hpcgen.base.kinds import option
from hpcgen.base.toml import fields
from hpcgen.base.units import Memory, Time
from hpcgen.model.job import Job
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request

FILES = """No script changes by it, nothing refuses it, and no note names it. An option touches:
    src/hpcgen/request/fields.py        the field, with its help: the command line has it from there
    src/hpcgen/model/job.py             the field of Job or of Component that holds it
    src/hpcgen/planning/plan.py         a value of the whole job (or JOB_WIDE in planning/origins.py)
    src/hpcgen/workloads/__init__.py    a value of each component (SHARED), or of one workload (REFUSES of the others)
    src/hpcgen/planning/origins.py      where the value comes from, for `hpcgen explain`
    src/hpcgen/schedulers/*.py          how it is spelled, or LACKS, or SILENT
    templates/*.sh                      the line
    docs/options.py                     its entry; then run `python docs/options.py`, which writes docs/options.md"""

# The launcher of each scheduler's site here, and what its dialect needs so that all options can be said.
SITES: Dict[str, Dict[str, Any]] = {
    "slurm": {"mpi": {"flavour": "mpich", "pmi_library": None}},
    "pbs": {"mpi": {"launcher": "mpiexec", "pmi": None}, "pbs": {"qos": "qos", "disk": "scratch", "gpu_type": "gpu_type"}},
    "sge": {"mpi": {"launcher": "mpirun", "pmi": None}, "sge": {
        "pe_one": "smp", "pe_many": "mpi", "memory": "h_vmem", "gpu": "gpu", "disk": "tmpfs", "exclusive": "exclusive",
    }},
    "lsf": {"mpi": {"launcher": "mpirun", "pmi": None}, "lsf": {"cpus": "affinity", "memory_per": "slot"}},
    "flux": {"mpi": {"launcher": "flux", "pmi": None}},
    "local": {"mpi": {"launcher": "mpiexec", "pmi": None}},
}  # fmt: skip
# What some workloads need.
BASES: Dict[str, Dict[str, Any]] = {
    "dask-mpi": {"workers": "2", "cpus_per_worker": "2"},
    "mpi": {"ntasks": "4"},
    "array": {"commands": "list", "tasks": "6", "chunk": "6", "program": None},
}
# A value of each field that is not what it would be anyway, where one of its type is not enough.
SAMPLES: Dict[str, Any] = {
    "site": None, "workload": None, "program": "./other", "args": ["a"], "mpmd": ["2: ./second"], "workers": "3",
    "threads_per_worker": "1", "worker_class": "distributed.Nanny",
    "runner": "local", "launcher": "installed", "scheduler_cpus": "3", "scheduler_mem": "2G",
    "commands": "other", "table": "table.csv", "time": "2h", "partition": "big", "nodes": "2", "ntasks": "6",
    "ntasks_per_node": "2", "ntasks_per_core": "2", "nproc_per_node": "2", "cpus_per_task": "4", "cpus_per_worker": "4",
    "threads_per_core": "1",
    "hint": "nomultithread", "mem": "20G", "gpus": "2", "gpus_per_node": "2", "gpus_per_task": "1", "gres": "lustre:1",
    "constraint": "x=y", "resource": {"foo": "1"}, "mail_type": "END", "mail_user": "a@b.org", "array": "1-4",
    "dependency": "afterany:7", "reservation": "7", "signal": "USR1@120", "export": "ALL,A=b", "directive": ["-l x=1"],
    "open_mode": "truncate", "env": {"A": "1"}, "mpi": "pmix", "container_verb": "run", "bind": ["/a:/b"], "image": "i.sif",
    "object_store_memory": "200M", "conda": "c", "output": "out", "error": "err", "distribution": "cyclic", "module": ["m/1"],
    "tmp": "10G", "stage": ["data.tar"],
}  # fmt: skip
# What an option says something about.
WITH: Dict[str, Dict[str, Any]] = {
    "scheduler_cpus": {"hetjob": True}, "scheduler_mem": {"hetjob": True}, "share_core": {"hetjob": True},
    "flatten": {"hetjob": True}, "container_verb": {"image": "i.sif"}, "bind": {"image": "i.sif"},
    "mpmd": {"program": "./first"},
    "mem_per_gpu": {"gpus": "1"}, "cpus_per_gpu": {"gpus": "1"}, "gpus_per_task": {}, "kill_on_bad_exit": {},
    "open_mode": {"output": "out"}, "interface": {"nodes": "2"}, "throttle": {"chunk": "1"},
}  # fmt: skip


class Outcome(NamedTuple):
    """What came of a request: the script without its first comments and what was said, or why it is refused."""

    script: str
    said: List[str]
    refused: str = ""


def outcome(site: Site, asked: Dict[str, Any]) -> Outcome:
    try:
        job = plan(site, flags(**{key: value for key, value in asked.items() if value is not None}))
    except RequestError as error:
        return Outcome("", [], str(error))
    return Outcome(bare(job), [*job.notes, *(f"{option(key)} {text}" for key, text in job.assumed.items())])


def bare(job: Job) -> str:
    return "\n".join(line for line in render(job).splitlines() if line not in {f"# {text}" for text in job.header})


def sample(name: str) -> Any:
    """A value for a field, by its type where SAMPLES has none."""
    if name in SAMPLES:
        return SAMPLES[name]
    kind = next(field.type for field in fields(Request) if field.name == name)
    several = get_origin(get_args(kind)[0]) is tuple
    while get_args(kind) and get_origin(kind) is not Literal:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return get_args(kind)[-1]
    value: Any = {bool: True, int: "2", Time: "2h", Memory: "2G"}.get(kind, "word")
    return [value] if several else value


def answered(site: Site, base: Dict[str, Any], name: str) -> Optional[str]:
    """How an option beside these was answered, or None."""
    before, after = outcome(site, base), outcome(site, {**base, name: sample(name)})
    assert not before.refused, before.refused
    if after.refused:
        return "refused"
    if before.script != after.script:
        return "written"
    return "noted" if any(option(name) in text for text in set(after.said) - set(before.said)) else None


def made(scheduler: str) -> Site:
    tables = {**SITES[scheduler], "scheduler": {"type": scheduler}}
    return tiny.site(**{name: {**table, "source": "docs"} for name, table in tables.items()})


@pytest.mark.parametrize("scheduler", schedulers.names())
@pytest.mark.parametrize("name", [name for name in Request.__struct_fields__ if name not in ("site", "workload")])
def test_no_option_vanishes(name: str, scheduler: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("list", "other"):
        (tmp_path / file).write_text("a\nb\n")
    (tmp_path / "table.csv").write_text("a\n1\n")
    site = made(scheduler)
    for workload in workloads.names():
        base = {"workload": workload, "program": "x.py", **BASES.get(workload, {})}
        more = {**base, **WITH.get(name, {})}
        found = answered(site, base if outcome(site, more).refused else more, name)
        assert found, f"{option(name)} with --workload {workload} under {scheduler}: {FILES}"


def test_one_that_nobody_handles_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from hpcgen.planning import plan as planning

    base = {"workload": "serial", "program": "x.py"}
    assert answered(made("slurm"), base, "comment") == "written"
    monkeypatch.setattr(planning, "JOB_WIDE", tuple(name for name in planning.JOB_WIDE if name != "comment"))
    assert answered(made("slurm"), base, "comment") is None
