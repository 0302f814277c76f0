"""What was asked for is what the scheduler reads: scripts of drawn requests, parsed by the grammars of tests/grammar.

The grammars are written from the manuals and know nothing of the generator; what is expected is worked out here from the
request alone. Heterogeneous jobs, whole nodes and the sites' dialects are among the drawn ones.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from math import ceil
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import pytest
from grammar import flux, gadi, launch, lsf, pbs, sge, torque
from grammar.request import Request as Read
from parts import to_launchers
from stubs import MACHINE, SOURCES, flags

from hpcgen import plan, render
from hpcgen.base.errors import HpcgenError
from hpcgen.launch.launchers import launch as launch_line
from hpcgen.model.job import Job
from hpcgen.profiles.load import decode

NODES = {"thin": {"cores": 48, "mem": "192G", "source": "x"}, "gpu": {"cores": 48, "mem": "384G", "gpus": 4, "source": "x"}}
QUEUES = {
    "normal": {"nodes": ["thin"], "default": True, "max_time": "2-00:00:00", "source": "x"},
    "gpus": {"nodes": ["gpu"], "max_time": "2-00:00:00", "source": "x"},
}


def machine(kind: str, dialect: Dict[str, Any], launcher: str = "mpirun", **scheduler: Any) -> Dict[str, Any]:
    tables = {"nodes": NODES, "partitions": QUEUES, "mpi": {"flavour": "openmpi", "launcher": launcher, "source": "x"}}
    rest = {"scheduler": {"type": kind, "source": "x", **scheduler}, kind: {**dialect, "source": "x"}}
    return {**MACHINE, "sources": SOURCES, **tables, **rest}


GADI = {"style": "totals", "account": "-P", "workdir": "-l wd", "disk": "jobfs", "disk_per": "job",
        "resources": {"storage": "gdata/{account}+scratch/{account}"}}  # fmt: skip
SLOTS = {"memory": "mem", "pe_one": "smp", "pe_many": "mpi", "gpu": "gpu", "gpu_per": "job", "disk": "tmpfs"}
SITES = {
    "pbs": machine("pbs", {"qos": "job_priority"}),
    "gadi": {**machine("pbs", GADI, whole_nodes="above-one")},
    "torque": machine("pbs", {"style": "nodes-ppn"}),
    "sge": machine("sge", SLOTS),
    "flux": machine("flux", {}, launcher="flux"),
    "lsf": machine("lsf", {"cpus": "affinity", "memory_per": "slot"}),
    "summit": machine("lsf", {"style": "nodes", "alloc_flags": ["smt1"]}, launcher="jsrun", whole_nodes="always"),
    "polaris": machine(
        "pbs", {"chunk": ["system=polaris"], "chunk_keys": [], "place": "scatter"}, "pals", whole_nodes="always"
    ),
}
PARSERS: Dict[str, Callable[[str], Read]] = {
    "pbs": lambda text: pbs.parse(text, {"job_priority": "job"}),
    "gadi": gadi.parse,
    "torque": torque.parse,
    "sge": lambda text: sge.parse(text, {"gpu": "INT", "mem": "MEMORY", "tmpfs": "MEMORY"}, memory="mem", gpus=None),
    "flux": flux.parse,
    "lsf": lsf.parse,
    "summit": lsf.parse,
    "polaris": lambda text: pbs.parse(text, {"system": "chunk"}),
}

MIB = {"512M": 512, "1G": 1024, "3G": 3072, "1536M": 1536}
EXPORTS = {
    "ALL": (True, ()),
    "NONE": (False, ()),
    "A,B=c": (False, (("A", None), ("B", "c"))),
    "ALL,B=c": (True, (("B", "c"),)),
}
MAILS = {"BEGIN": ("begin",), "END,FAIL": ("end", "fail"), "ALL": ("begin", "end", "fail"), "NONE": ()}
ARRAYS = {"1-9": (range(1, 10), None), "2-20:3%4": (range(2, 21, 3), 4), "5-6%1": (range(5, 7), 1)}
# How often each is asked for, in a hundred requests, and as what.
ASKED: Dict[str, Tuple[int, Sequence[Any]]] = {
    "workload": (100, ["mpi", "mpi", "dask-mpi", "dask-mpi", "serial", "ray", "torchrun"]), "account": (100, ["ab12", "xy34"]),
    "hetjob": (20, [True]), "flatten": (25, [True]), "cpus_per_task": (50, range(1, 9)), "ntasks": (50, range(3, 131)),
    "nodes": (30, range(1, 5)), "ntasks_per_node": (15, [1, 2, 8, 12, 24]), "mem_per_cpu": (30, sorted(MIB)),
    "mem": (15, sorted(MIB)), "gpus_per_task": (10, ["1"]), "gpus": (10, ["1", "2", "8"]), "gpus_per_node": (10, ["1", "4"]),
    "time": (30, ["90s", "20m", "26h", "1-12:30:00"]), "array": (20, sorted(ARRAYS)), "job_name": (20, ["a", "run-1.x"]),
    "output": (20, ["out.txt", "logs/"]), "error": (10, ["err.txt"]), "mail_type": (15, sorted(MAILS)),
    "mail_user": (15, ["me@example.org"]), "requeue": (10, [True, False]), "export": (20, sorted(EXPORTS)),
    "dependency": (20, ["afterok:12", "afterany:12:13", "afterok:1,afternotok:2"]), "chdir": (15, ["/work/a"]),
    "tmp": (10, ["10G"]),
    "exclusive": (4, [True]), "qos": (5, ["high"]), "comment": (4, ["a b"]), "signal": (4, ["USR1@60"]),
    "constraint": (4, ["fast"]), "nodelist": (4, ["n1"]), "partition": (5, ["normal"]), "reservation": (4, ["r1", "12"]),
    "hint": (1, ["nomultithread"]), "licenses": (1, ["m:1"]),
}  # fmt: skip
EXCLUDED = (("mem", "mem_per_cpu"), ("gpus", "gpus_per_task", "gpus_per_node"))


def drawn(seed: int) -> Dict[str, Any]:
    """The same request for the same number, with no two options of which one is refused by every scheduler."""
    die = random.Random(seed)
    asked = {name: die.choice(values) for name, (often, values) in ASKED.items() if die.randrange(100) < often}
    for group in EXCLUDED:
        for name in [name for name in group if name in asked][1:]:
            del asked[name]
    if asked["workload"] not in ("dask-mpi", "ray"):
        asked.pop("hetjob", None)
    for name in {
        "serial": ("ntasks", "nodes", "ntasks_per_node"),
        **dict.fromkeys(EACH_NODE, ("ntasks", "ntasks_per_node")),
    }.get(asked["workload"], ()):
        asked.pop(name, None)
    return asked


EACH_NODE = ("ray", "torchrun")


def meant(kind: str, asked: Dict[str, Any]) -> Dict[str, Any]:
    """The request with what it means without saying so: one task on each node, of one node; all CPUs of the job's own nodes."""
    if asked["workload"] not in EACH_NODE:
        return asked
    asked = {"nodes": 1, **asked, "ntasks_per_node": 1}
    if kind in ("summit", "polaris") or asked.get("exclusive") or (kind == "gadi" and asked["nodes"] > 1):
        asked = {"cpus_per_task": 48, **asked, "own": True, **({"head": 48} if kind == "polaris" else {})}
    return asked


BEGINNING = re.compile(r"--|program|the |[1-9]")


def planned(kind: str, asked: Dict[str, Any]) -> Optional[Tuple[Job, Read]]:
    """The job, and what its script asks for; None where the request is refused, in lines that a person can read."""
    try:
        job = plan(decode("stub", SITES[kind], "stub.toml"), flags(program="x.py", **asked))
    except HpcgenError as refusal:
        assert refusal.status == 2 and all(map(BEGINNING.match, refusal.problems)), refusal.problems
        return None
    return job, PARSERS[kind](render(job))


@pytest.mark.parametrize("kind", SITES)
def test_what_was_asked_is_read(kind: str) -> None:
    """A good part must be planned, or the test has shown nothing; what fails is named by its number."""
    taken: Counter[str] = Counter()
    for seed in range(700):
        asked = drawn(seed)
        try:
            found = planned(kind, asked)
            if found is not None:
                check_amounts(kind, meant(kind, asked), *found)
                check_options(kind, asked, *found)
                check_launch(kind, meant(kind, asked), *found)
                taken.update([*asked, asked["workload"], *(["several"] if several(found[0]) else [])])
        except Exception as why:
            raise AssertionError(f"drawn({seed}) = {asked}") from why
    refused = REFUSED[kind]
    assert taken["workload"] > 100, taken
    assert all(taken[workload] for workload in (*EACH_NODE, "serial", "mpi", "dask-mpi")), taken
    assert bool(taken["several"]) == (kind not in ONE_NODE), taken
    assert set(ASKED) - set(taken) <= refused and not refused & set(taken), (set(ASKED) - set(taken), refused & set(taken))


def several(job: Job) -> bool:
    """Whether one process runs on each of several nodes."""
    return job.workload in EACH_NODE and sum(c.ntasks for c in job.components) > 1


# Where slots are asked for, which spread as they will, or jsrun starts resource sets for ranks.
ONE_NODE = ("sge", "summit")
# What this scheduler can never say; all else must be among what was planned.
NEVER = {"hint", "licenses"}
REFUSED = {
    "pbs": {*NEVER, "comment", "signal", "constraint", "reservation", "tmp"},
    "gadi": {*NEVER, "comment", "signal", "constraint", "reservation", "qos", "exclusive", "nodelist"},
    "torque": {*NEVER, "comment", "signal", "reservation", "qos", "exclusive", "nodelist", "tmp"},
    "sge": {*NEVER, "qos", "exclusive", "constraint", "comment"},
    "lsf": {*NEVER, "qos"},
    "summit": {*NEVER, "qos", "constraint", "nodelist", "tmp"},
    "polaris": {*NEVER, "comment", "signal", "constraint", "reservation", "tmp", "qos"},
    "flux": {*NEVER, "array", "qos", "reservation", "requeue", "mail_type", "mail_user", "tmp"},
}


def ranks(asked: Dict[str, Any]) -> List[Tuple[int, int]]:
    """Ranks and the CPUs of each, of every component that was asked for."""
    wide, workload = asked.get("cpus_per_task", 1), asked["workload"]
    if workload == "serial":
        return [(1, wide)]
    if workload == "mpi":
        each, nodes = asked.get("ntasks_per_node", 1), asked.get("nodes")
        return [(asked.get("ntasks") or (nodes * each if nodes else 2), wide)]
    if workload in EACH_NODE:
        head = [(1, asked.get("head", 2))] if asked.get("hetjob") and not asked.get("flatten") else []
        return [*head, (asked["nodes"], asked.get("cpus_per_task", processes(asked)))]
    count = asked.get("ntasks", 5)
    return [(2, 1), (count - 2, wide)] if asked.get("hetjob") and not asked.get("flatten") else [(count, wide)]


def processes(asked: Dict[str, Any]) -> int:
    """torchrun's on each node, one for each GPU; Ray's is one."""
    on_each = int(asked.get("gpus_per_node") or asked.get("gpus_per_task") or int(asked.get("gpus", 0)) // asked["nodes"])
    return max(1, on_each) if asked["workload"] == "torchrun" else 1


def apart(kind: str, asked: Dict[str, Any]) -> List[Tuple[int, int]]:
    """As `ranks`, where --flatten has nothing to do because the scheduler can say what was asked for."""
    parts = ranks(asked)
    if asked.get("hetjob") and asked.get("flatten") and kind in ("pbs", "lsf", "polaris"):
        if asked["workload"] == "ray":
            return [(1, asked.get("head", 2)), *parts]
        return [(2, 1), (parts[0][0] - 2, parts[0][1])]
    return parts


def check_launch(kind: str, asked: Dict[str, Any], job: Job, read: Read) -> None:
    """As many ranks as were asked for, each part with its threads; where the launcher says CPUs, those."""
    if asked["workload"] == "serial":
        return
    expected = apart(kind, asked)
    if job.steps[0].launcher == "none":
        assert job.workload in EACH_NODE and [count for count, _ in expected] == [1] and kind != "summit"
        return
    line = launch_line(job, job.steps[0]).replace(" \\\n", " ")
    words = line.split()
    parts = launch.parse(line, "pals" if kind == "polaris" else "openmpi")
    assert [part.ranks for part in parts] == [count for count, _ in expected]
    if job.workload in EACH_NODE:
        check_each_node(kind, asked, job, parts, expected, read)
        return
    threads = [str(wide) if asked["workload"] == "mpi" else "1" for _, wide in expected]
    if len(parts) > 1:
        assert [dict(part.env)["OMP_NUM_THREADS"] for part in parts] == threads
    else:
        assert dict(job.setup.env)["OMP_NUM_THREADS"] == threads[0]
    if asked["workload"] == "dask-mpi":  # Dask starts the threads
        told = to_launchers(job)
        assert told[-1]["dask"]["nthreads"] == expected[-1][1] and {one["ranks"] for one in told} == {asked.get("ntasks", 5)}
    if kind in ("flux", "summit", "polaris"):
        assert [part.cpus for part in parts] == [wide for _, wide in expected]
    elif max(wide for _, wide in expected) > 1:
        assert "--bind-to" in words or f"PE={expected[0][1]}" in line
    assert all("x.py" in part.argv for part in parts)


def check_each_node(
    kind: str, asked: Dict[str, Any], job: Job, parts: List[launch.Part], expected: List[Tuple[int, int]], read: Read
) -> None:
    """One process on each node, which is told of as many nodes as there are, and of its CPUs and GPUs, or its processes."""
    nodes = sum(count for count, _ in expected)
    if kind == "pbs":  # by $PBS_NODEFILE, which has each host once
        assert nodes == 1 or (
            "scatter" in read.extra["place"].split(":") and {part.mpiprocs for part in read.components} == {1}
        )
    elif kind == "lsf":
        assert {dict(part.extra)["span"] for part in read.components if part.count > 1} <= {"ptile=1"}
    else:
        assert [part.each_node for part in parts] == [1] * len(parts)
    assert kind not in ("flux", "summit", "polaris") or [part.cpus for part in parts] == [wide for _, wide in expected]
    assert all("x.py" in part.argv for part in parts)
    gpus = int(asked.get("gpus_per_node") or asked.get("gpus_per_task") or int(asked.get("gpus", 0)) // expected[-1][0])
    if asked["workload"] == "ray":
        told = to_launchers(job)
        assert {one["nodes"] for one in told} == {nodes}
        assert (told[-1]["cpus"], told[-1]["gpus"]) == (expected[-1][1], gpus)
        assert len(parts) == 1 or (told[0]["cpus"], told[0]["gpus"]) == (0, 0)
    else:
        assert f"--nnodes={nodes}" in parts[0].argv or (nodes == 1 and "--standalone" in parts[0].argv)
        assert f"--nproc-per-node={processes(asked)}" in parts[0].argv


def check_amounts(kind: str, asked: Dict[str, Any], job: Job, read: Read) -> None:
    parts = apart(kind, asked)
    if kind in ("summit", "polaris"):  # whole nodes, of which there are enough
        nodes = sum(part.count for part in read.components)
        assert nodes == asked.get("nodes", nodes) or len(parts) == 2
        assert nodes * 48 >= sum(count * wide for count, wide in parts)
        return
    wanted = sum(count * wide for count, wide in parts)
    cpus = sum(part.count * (part.cpus or 0) for part in read.components)
    if kind == "sge":
        cpus = read.components[0].count
    if kind == "gadi":
        count, wide = parts[0]
        memory = 192 if not gpu_asked(asked) else 384
        room = min(48 // wide, memory * 1024 // (wide * MIB[asked.get("mem_per_cpu", "1G")]) if "mem" not in asked else 48)
        if gpu_asked(asked):
            room = min(room, 4 if "gpus_per_task" in asked else ceil(count * 4 / max(4, int(asked.get("gpus", 1)))))
        nodes = asked.get("nodes") or ceil(count / asked.get("ntasks_per_node", room))
        assert cpus == (wanted if nodes == 1 else nodes * 48)
    elif kind == "torque":
        count, wide = parts[0]
        nodes = asked.get("nodes") or (ceil(count / asked["ntasks_per_node"]) if "ntasks_per_node" in asked else count)
        each = (
            asked["ntasks_per_node"]
            if asked.get("ntasks_per_node", count) * nodes < count + asked.get("ntasks_per_node", 0)
            else 0
        )
        assert cpus == nodes * wide * (min(each, count) or ceil(count / nodes))
    else:
        assert cpus == wanted
    if kind == "pbs":
        assert sum(part.count * (part.mpiprocs or 0) for part in read.components) == sum(count for count, _ in parts)
        if job.workload != "ray":  # whose head may have more than a worker
            assert [part.ompthreads for part in read.components] == sorted(part.ompthreads or 0 for part in read.components)
        assert {part.ompthreads for part in read.components} == {wide for _, wide in parts}
        if "nodes" in asked and len(parts) == 1:
            assert sum(part.count for part in read.components) == asked["nodes"]
    if kind == "flux":
        assert (read.components[0].count, read.components[0].cpus) == parts[0]
    check_memory(kind, asked, parts, read)
    check_gpus(kind, asked, parts, read)


def check_gpus_of_hosts(asked: Dict[str, Any], count: int, read: Read) -> None:
    """-gpu counts by host."""
    found = re.search(r"num=(\d+)", str(read.extra.get("-gpu", "")))
    nodes = nodes_of("lsf", asked, count, read)
    each = int(found[1]) if found else 0
    if "gpus_per_task" in asked:
        assert each == asked.get("ntasks_per_node", ceil(count / nodes)) or each == ceil(count / nodes)
    elif "gpus_per_node" in asked:
        assert each == int(asked["gpus_per_node"])
    else:
        assert each * nodes == int(asked.get("gpus", 0))


def nodes_of(kind: str, asked: Dict[str, Any], count: int, read: Read) -> int:
    """Nodes that were asked for, or are Gadi's by the number of CPUs."""
    if kind == "gadi" and "nodes" not in asked:
        return max(1, (read.components[0].cpus or 0) // 48)
    return asked.get("nodes") or (ceil(count / asked["ntasks_per_node"]) if "ntasks_per_node" in asked else 1)


def gpu_asked(asked: Dict[str, Any]) -> bool:
    return any(key.startswith("gpus") for key in asked)


def check_memory(kind: str, asked: Dict[str, Any], parts: List[Tuple[int, int]], read: Read) -> None:
    if kind == "flux":
        return
    small = (4 if asked["workload"] == "ray" else 2) * 1024 if len(parts) == 2 else 0
    count, wide = parts[-1]
    total = read.mem_mib or sum(part.count * (part.mem_mib or 0) for part in read.components)
    if "mem" in asked:
        nodes = nodes_of(kind, asked, count, read)
        least = MIB[asked["mem"]] * nodes + small
        most = {"sge": least + count * wide, "lsf": least + count * wide}.get(kind, least)
        # LSF counts by slot, so that hosts with fewer tasks get less: no task gets less than its share of the fullest.
        assert (least if kind != "lsf" else MIB[asked["mem"]] * count / max_on_node(asked, count, nodes)) <= total <= most
    elif (asked.get("exclusive") or asked.get("own")) and "mem_per_cpu" not in asked:
        over = (total - small) % ((384 if gpu_asked(asked) else 192) * 1024)
        assert kind == "lsf" or over <= (count * wide if kind == "sge" else 0)  # rounded up for each slot
    else:
        assert total == MIB[asked.get("mem_per_cpu", "1G")] * count * wide + small


def max_on_node(asked: Dict[str, Any], count: int, nodes: int) -> int:
    return max(min(count, asked.get("ntasks_per_node", 0)), ceil(count / nodes))


def check_gpus(kind: str, asked: Dict[str, Any], parts: List[Tuple[int, int]], read: Read) -> None:
    count = parts[-1][0]
    if kind == "lsf":
        check_gpus_of_hosts(asked, count, read)
        return
    if kind == "sge":
        total = int(read.extra.get("gpu", 0))
    else:
        total = sum(part.count * (part.gpus or 0) for part in read.components)
    if "gpus_per_task" in asked and kind == "torque":  # the nodes are alike
        assert (
            total == ceil(count / (asked.get("nodes") or count)) * (asked.get("nodes") or count) or "ntasks_per_node" in asked
        )
    elif "gpus_per_task" in asked:
        assert total == count
    elif "gpus_per_node" in asked:
        assert total == int(asked["gpus_per_node"]) * nodes_of(kind, asked, count, read)
    else:
        assert total == int(asked.get("gpus", 0))


def check_options(kind: str, asked: Dict[str, Any], job: Job, read: Read) -> None:
    assert read.name == asked.get("job_name", "x")
    least = 120 if kind in ("lsf", "summit") else 90  # LSF knows no seconds
    assert read.walltime == {None: 3600, "90s": least, "20m": 1200, "26h": 93600, "1-12:30:00": 131400}[asked.get("time")]
    assert asked["account"] in (read.account, read.project)
    assert read.queue == asked.get("partition", "gpus" if gpu_asked(asked) else "normal")
    if "array" in asked:
        indices, throttle = ARRAYS[asked["array"]]
        assert read.array and (read.array.indices, read.array.throttle) == (tuple(indices), throttle)
    else:
        assert read.array is None
    if "output" in asked or kind not in ("lsf", "summit"):
        assert read.output == asked.get("output")
    assert read.error == asked.get("error")
    if kind not in ("flux", "lsf", "summit"):
        assert read.joined == (None if "error" in asked else "oe")
    if "mail_type" in asked and kind in ("lsf", "summit"):
        wanted = set(MAILS[asked["mail_type"]]) - {"fail"}  # an end is told of, well or not
        assert set(read.mail.events or ()) == wanted
    elif "mail_type" in asked:
        assert set(read.mail.events or ()) == set(MAILS[asked["mail_type"]])
    assert read.mail.users == (("me@example.org",) if "mail_user" in asked else ())
    if "export" in asked:
        everything, names = EXPORTS[asked["export"]]
        assert (bool(read.environment.all), read.environment.variables) == (everything, names) or (
            kind == "flux" and everything and read.environment.variables == names
        )
    if "requeue" in asked:
        assert read.rerun == asked["requeue"]
    if "dependency" in asked:
        jobs = [word for part in asked["dependency"].split(",") for word in part.split(":")[1:]]
        assert read.dependency and all(number in read.dependency for number in jobs)
    if "chdir" in asked and kind in ("sge", "flux", "lsf", "summit"):
        assert read.workdir == "/work/a"
    if "chdir" in asked and kind not in ("sge", "flux", "lsf", "summit"):
        assert "\ncd -- /work/a || exit\n" in render(job)
    if "signal" in asked:
        assert "USR1" in render(job) or read.extra.get("s_rt")
    if "tmp" in asked and kind not in ("lsf", "summit"):
        assert any(read.extra.get(name) for name in ("jobfs", "tmpfs"))
    for name in ("hint", "licenses", "open_mode"):
        assert name not in asked  # refused by all of these
