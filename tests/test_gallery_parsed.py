"""The gallery's scripts for PBS, Grid Engine, LSF and Flux, read by the grammars of tests/grammar, held to their requests."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Dict, List

import pytest
from grammar import flux, gadi, launch, lsf, pbs, sge, torque
from grammar.request import Request as Read

from hpcgen import load, plan, render, schedulers, workloads
from hpcgen.base import toml
from hpcgen.base.errors import RequestError
from hpcgen.launch.launchers import launch as launch_line
from hpcgen.model.job import Job
from hpcgen.model.layout import all_gpus
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer, Merged, merge

SCRIPTS = Path(__file__).parent / "scripts"
KINDS = ("pbs", "sge", "lsf", "flux")
CASES = [path for path in sorted(SCRIPTS.glob("*/*.toml")) if load(path.parent.name).scheduler.type in KINDS]


def read(site: Site, text: str) -> Read:
    """By the grammar of the site's scheduler and dialect, with the resources that are the site's own."""
    table: Any = site.dialect
    kind = site.scheduler.type
    if kind == "flux":
        return flux.parse(text)
    if kind == "lsf":
        return lsf.parse(text, table.memory_unit or "KB")
    wide = dict.fromkeys([*table.resources, *table.required], "job")
    if kind == "sge":
        names = {table.memory: "MEMORY", table.disk: "MEMORY", table.gpu: "INT", table.exclusive: "BOOL"}
        types = dict.fromkeys(site.partitions, "INT") if table.style == "node-types" else {}
        known = {**dict.fromkeys(wide, "STRING"), **types, **{name: kind for name, kind in names.items() if name}}
        return sge.parse(text, known, table.memory or "h_vmem")
    if table.style == "totals":
        return gadi.parse(text)
    if table.style == "nodes-ppn":
        return torque.parse(text, wide)
    wide.update({name: "job" for name in (table.qos, table.disk) if name})
    parts = [word.partition("=")[0] for word in table.chunk] + [name for name in (table.gpu_type, table.disk) if name]
    return pbs.parse(text, {**wide, **dict.fromkeys(parts, "chunk")})


def asked(path: Path) -> Merged:
    return merge([Layer("file", path.name, {**toml.read(path, RequestError), "site": path.parent.name})])


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_scheduler_reads_what_was_asked(path: Path) -> None:
    site, request = load(path.parent.name), asked(path)
    job = plan(site, request)
    got = read(site, render(job))
    want = request.request
    assert got.name == job.name
    assert got.walltime == (job.time if site.scheduler.type != "lsf" else -(-(job.time or 0) // 60) * 60)
    charged = (got.account, got.project, dict(site_words(job)).get("-g"))
    assert want.account is None or want.account in charged or f"bank={want.account}" in got.extra["--setattr"].split("\n")
    assert want.partition is None or got.queue == want.partition or want.partition in got.extra
    assert job.array is None or (got.array is not None and got.array.ranges[0][0] == int(job.array.split("-")[0]))
    check_amounts(site, job, got)
    check_launch(job)


def site_words(job: Job) -> List[Any]:
    words = schedulers.get(job.scheduler).on_command_line(job)
    return list(zip(words[::2], words[1::2]))


def check_amounts(site: Site, job: Job, got: Read) -> None:
    """No rank has fewer CPUs than it was asked for, and no node stands idle unsaid."""
    need = sum(c.ntasks * c.cpus_per_task for c in job.components)
    table: Any = site.dialect
    if (site.scheduler.type == "pbs" and getattr(table, "chunk_keys", ())) or site.scheduler.type == "flux":
        have = sum(part.count * (part.cpus or 0) for part in got.components)
    elif site.scheduler.type == "sge" and table.style == "slots":
        have = got.components[0].count if got.components else 1
    else:  # whole nodes by their number
        have = sum(c.cpus or 0 for c in job.components)
        assert have
    assert have == need or (have > need and any("stay idle" in note for note in job.notes))


def check_launch(job: Job) -> None:
    """As many ranks as there are tasks; what runs once on each node is told so, and has all that it is given there."""
    launcher = job.steps[0].launcher
    if launcher == "none" or job.workload == "array":
        return
    line = launch_line(job, job.steps[0]).replace(" \\\n", " ").split("\n")[-1]
    if launcher == "gerun":
        assert "gerun" in shlex.split(line)[:2]
        return
    parts = launch.parse(line, "pals" if launcher == "pals" else "openmpi" if job.steps[0].flavour == "openmpi" else "hydra")
    assert [part.ranks for part in parts] == [c.ntasks for c in job.components]
    if workloads.get(job.workload).one_a_node:
        for part, c in zip(parts, job.components):
            assert part.each_node == 1 and part.cpus in (None, c.cpus_per_task), line
            assert part.gpus in (None, all_gpus(c) // c.ntasks), line


def test_there_are_cases() -> None:
    found: Dict[str, int] = {}
    for path in CASES:
        found[load(path.parent.name).scheduler.type] = found.get(load(path.parent.name).scheduler.type, 0) + 1
    sites = {load(path.stem).scheduler.type for path in (SCRIPTS.parent.parent / "sites").glob("*.toml")}
    assert set(found) == sites & set(KINDS)
