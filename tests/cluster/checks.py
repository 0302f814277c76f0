"""What a case's job must show, all of it taken from the plan of its request."""
from __future__ import annotations

import json
import re
from typing import Any

from hpcgen.base.units import clock
from hpcgen.model.job import Command, Component, Job

from . import slurm

Rank = dict[str, Any]


def reports(output: str) -> list[Rank]:
    said = [json.loads(line[6:]) for line in output.splitlines() if line.startswith("facts {")]
    return sorted(said, key=lambda one: one["rank"])


def ranks(job: Job) -> list[Component]:
    """Each rank's component, in the order of ranks."""
    return [component for component in job.components for _ in range(component.ntasks)]


def commands(job: Job) -> list[Command]:
    """Each rank's program, in the order of ranks."""
    step = job.steps[0]
    return [
        command for i, command in zip(step.components, step.commands) for _ in range(command.ntasks or job.components[i].ntasks)
    ]


def record(job: Job, done: slurm.Job) -> None:
    """What Slurm took the script's directives for."""
    components = job.components if job.hetjob else job.components * len(done.records)
    assert len(done.records) == len(components)
    for component, one in zip(components, done.records):
        assert one["JobName"] == job.name
        assert one["TimeLimit"] == clock(job.time or 0)
        assert job.account is None or job.account.lower() == one["Account"]  # Slurm's accounts have no capitals
        assert component.partition in (None, one["Partition"])
        assert int(one["NumTasks"]) == component.ntasks
        assert one["CPUs/Task"] == str(component.cpus_per_task)
        assert component.nodes in (None, int(one["NumNodes"]))


def unchanged(job: Job, done: slurm.Job, script: str) -> None:
    """Slurm holds the very script. From one with components sbatch of 22.05 leaves out the blank lines, wherever they are."""
    held = done.bed.run(["scontrol", "write", "batch_script", done.number, "-"]).stdout
    if job.hetjob and not done.bed.shape.suite:
        script = re.sub(r"\n{2,}", "\n", script)
    assert held.rstrip("\n") == script.rstrip("\n")


def everyone(job: Job, done: slurm.Job, seen: list[Rank]) -> None:
    """Ranks unique and complete, each on its component's hosts, with its threads and modules."""
    expected = ranks(job)
    assert [(one["rank"], one["size"]) for one in seen] == [(rank, len(expected)) for rank in range(len(expected))]
    hosts = [done.bed.hosts_of(one["NodeList"]) for one in done.records]
    for one, component, command in zip(seen, expected, commands(job)):
        words = list(command.args)
        assert one["host"] in hosts[job.components.index(component) if job.hetjob else 0]
        assert one["threads"] == dict(component.env or job.setup.env)["OMP_NUM_THREADS"]
        assert set(job.setup.modules) <= set(one["modules"])
        assert one["argv"][len(one["argv"]) - len(words) :] == words
    for component in job.components:
        if component.ntasks_per_node:
            mine = [one["host"] for one, other in zip(seen, expected) if other is component]
            assert {mine.count(host) for host in mine} == {component.ntasks_per_node}


def in_cores(job: Job, component: Component) -> int:
    """The CPUs of the whole cores that a task is on."""
    threads = 2 if job.steps[0].cpu == "thread" else 1
    return -(-component.cpus_per_task // threads) * threads


def cpus(job: Job, done: slurm.Job, seen: list[Rank]) -> None:
    """Each rank has its component's number of CPUs, or its cores where tasks share none; and nobody else has them.

    Where a component's tasks leave other CPUs of the allocation over (a core's second thread), Slurm does not bind them.
    """
    records = dict(zip(map(id, job.components), done.records))
    bound = []
    for one, component in zip(seen, ranks(job)):
        allocated = int(records[id(component)]["NumCPUs"])
        each = [size for size in (component.cpus_per_task, in_cores(job, component)) if allocated == component.ntasks * size]
        whole = bool(each)
        assert len(one["cpus"]) == (each[0] if whole else allocated), one
        bound += [(one["host"], cpu) for cpu in one["cpus"]] if whole else []
    assert len(bound) == len(set(bound))


def memory(job: Job, seen: list[Rank]) -> None:
    """What a task can see of its component's memory on its host."""
    expected = ranks(job)
    for one, component in zip(seen, expected):
        here = sum(1 for other, its in zip(seen, expected) if its is component and other["host"] == one["host"])
        if component.mem_per_cpu_mib:
            # a core of one's own is paid for with the memory of both its threads
            own = job.steps[0].launcher == "srun" and len(one["cpus"]) == in_cores(job, component)
            each = in_cores(job, component) if own else component.cpus_per_task
            assert one["rss_mib"] == component.mem_per_cpu_mib * each * here
        elif component.mem_mib:
            assert one["rss_mib"] == component.mem_mib


def workers(job: Job, done: slurm.Job, network: str) -> None:
    """Dask's workers: as many as asked for, all on this network, each with what its component's ranks were told."""
    lines = re.findall(r"^worker (\S+) (\S+) (\d+) threads (\d+) MiB$", done.output, re.MULTILINE)
    expected = ranks(job)[2:]
    assert len(lines) == len(expected), done.output
    hosts = done.bed.hosts_of(done.records[-1]["NodeList"])
    for (host, address, threads, memory), component in zip(lines, expected):
        step = job.steps[0]
        variables = {name: json.loads(text) for name, text in step.told}
        told = next(variables[name]["dask"] for name in step.commands[-1].told or () if "dask" in variables[name])
        assert host in hosts or job.steps[0].commands[0].file  # a program hears of the address only
        assert address.startswith(f"tcp://{network}."), address
        assert int(threads) == told["nthreads"] == component.cpus_per_task
        assert "memory_limit" not in told or f"{memory}MiB" == told["memory_limit"]
    assert "Dask result: 5" in done.output.splitlines()


def gpus(job: Job, one: Rank) -> None:
    for component in job.components:
        assert len(one["gpus"]) == (component.gpus.count if component.gpus else 0)


def mpi_selfcheck(job: Job, done: slurm.Job) -> None:
    """What the ranks of the self-check say, as reports of programs are looked at."""
    lines = re.findall(r"^rank (\d+) of (\d+) on (\S+) CPUs ([\d ]+) OMP_NUM_THREADS (\d+)$", done.output, re.MULTILINE)
    assert [(int(rank), int(size)) for rank, size, *_ in lines] == [(rank, len(lines)) for rank in range(len(ranks(job)))]
    hosts = [host for _, _, host, _, _ in lines]
    for (_, _, host, cpus, threads), component in zip(lines, ranks(job)):
        assert len(cpus.split()) == int(threads) == component.cpus_per_task
        assert component.ntasks_per_node in (None, hosts.count(host))
    taken = [(host, cpu) for _, _, host, cpus, _ in lines for cpu in cpus.split()]
    assert len(taken) == len(set(taken))
