"""The files by which a host shows the CPUs and the memory that its node claims.

Slurm, hwloc, MPI, Python and Dask all read these, and so agree about a machine that is not there.
"""
from __future__ import annotations

from pathlib import Path

from .shape import Node


def cpus(node: Node) -> list[dict[str, int]]:
    """Numbered as Linux does: first every core's first thread, then the second ones."""
    cores = node.sockets * node.cores
    return [
        {"cpu": thread * cores + core, "core": core % node.cores, "socket": core // node.cores}
        for thread in range(node.threads)
        for core in range(cores)
    ]


def ranges(numbers: list[int]) -> str:
    return ",".join(str(number) for number in sorted(numbers))


def mask(numbers: list[int]) -> str:
    """As /sys writes it: groups of eight hexadecimal digits."""
    value = sum(1 << number for number in numbers)
    groups = [f"{value >> shift & 0xFFFFFFFF:08x}" for shift in range(0, max(value.bit_length(), 1), 32)]
    return ",".join(reversed(groups))


def write_sys(folder: Path, node: Node) -> None:
    """Folders `cpu` and `node`, to be mounted in /sys/devices/system."""
    everyone = cpus(node)
    span = f"0-{node.cpus - 1}"
    (folder / "cpu").mkdir(parents=True)
    for name in ("online", "possible", "present"):
        (folder / "cpu" / name).write_text(span + "\n")
    for one in everyone:
        same_socket = [o["cpu"] for o in everyone if o["socket"] == one["socket"]]
        same_core = [o["cpu"] for o in everyone if (o["socket"], o["core"]) == (one["socket"], one["core"])]
        topology = folder / "cpu" / f"cpu{one['cpu']}" / "topology"
        topology.mkdir(parents=True)
        facts = {"physical_package_id": one["socket"], "core_id": one["core"], "die_id": 0}
        for names, numbers in (
            (("thread_siblings", "core_cpus"), same_core),
            (("core_siblings", "package_cpus", "die_cpus"), same_socket),
        ):
            for name in names:
                facts[name], facts[name + "_list"] = mask(numbers), ranges(numbers)
        for name, value in facts.items():
            (topology / name).write_text(f"{value}\n")
    memory = folder / "node" / "node0"
    memory.mkdir(parents=True)
    for name in ("online", "possible", "has_cpu", "has_memory"):
        (folder / "node" / name).write_text("0\n")
    (memory / "cpulist").write_text(span + "\n")
    (memory / "cpumap").write_text(mask([o["cpu"] for o in everyone]) + "\n")
    (memory / "distance").write_text("10\n")
    (memory / "meminfo").write_text(f"Node 0 MemTotal: {node.memory * 1024} kB\nNode 0 MemFree: {node.memory * 1024} kB\n")


def cpuinfo(node: Node) -> str:
    blocks = [
        f"processor\t: {one['cpu']}\nmodel name\t: miniature\nphysical id\t: {one['socket']}\n"
        f"siblings\t: {node.cores * node.threads}\ncore id\t\t: {one['core']}\ncpu cores\t: {node.cores}\n"
        "flags\t\t: fpu sse sse2 ht\n"
        for one in cpus(node)
    ]
    return "\n".join(blocks) + "\n"


def meminfo(node: Node) -> str:
    """The real file with another total, so that no reader misses a line."""
    kib = node.memory * 1024
    claimed = {"MemTotal": kib, "MemFree": kib * 95 // 100, "MemAvailable": kib * 95 // 100}
    lines = []
    for line in Path("/proc/meminfo").read_text().splitlines():
        name = line.partition(":")[0]
        lines.append(f"{name + ':':16}{claimed[name]:>8} kB" if name in claimed else line)
    return "\n".join(lines) + "\n"


def cpusets(groups: str) -> list[str]:
    """Where control groups list the CPUs that a process may use, which hwloc takes for all there are; below the root.

    `groups` is its /proc/self/cgroup. Of the old hierarchy cpuset has one of its own, the new one has all in one.
    """
    found = []
    for line in groups.splitlines():
        _, kinds, path = line.rstrip("/").split(":", 2)
        if "cpuset" in kinds.split(","):
            found += [f"sys/fs/cgroup/{kinds}{path}/{name}" for name in ("cpuset.cpus", "cpuset.effective_cpus")]
        elif not kinds:
            found.append(f"sys/fs/cgroup{path}/cpuset.cpus.effective")
    return found
