"""What a miniature looks like. Nothing here knows how it is built."""
from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Mapping

LOGIN = "login01"  # every miniature has one; the scheduler's master runs there


@dataclass(frozen=True)
class Node:
    """The claimed size of a host; the real machine may be far smaller."""

    sockets: int = 1
    cores: int = 4  # per socket
    threads: int = 1  # per core
    memory: int = 16_000  # MiB
    features: tuple[str, ...] = ()
    gpus: int = 0
    gpu_type: str = ""

    @property
    def cpus(self) -> int:
        return self.sockets * self.cores * self.threads


@dataclass(frozen=True)
class Host:
    name: str
    node: Node = Node()


@dataclass(frozen=True)
class Partition:
    name: str
    hosts: tuple[str, ...]
    max_time: str = "UNLIMITED"
    default_time: str = ""
    default: bool = False
    options: Mapping[str, str] = field(default_factory=dict)  # any other key of slurm.conf's PartitionName


@dataclass(frozen=True)
class Module:
    """A module file. `gives` names an installation of mpi.py or a stand-in of modules.py."""

    name: str
    gives: str = ""  # impi | mpich | openmpi | conda | python | apptainer | nothing at all
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    name: str
    hosts: tuple[Host, ...]
    partitions: tuple[Partition, ...]
    interface: str = ""  # a second network beside eth0: ib0, hsn0 …
    modules: tuple[Module, ...] = ()
    conda_envs: Mapping[str, str] = field(default_factory=dict)  # environment -> impi | mpich | openmpi
    venvs: Mapping[str, str] = field(default_factory=dict)  # a user's own: path -> impi | mpich | openmpi
    pmi_library: str = ""  # where the site keeps libpmi2.so
    mpi_default: str = "none"
    hetjobs: bool = True
    kill_on_bad_exit: bool = False
    module_in_batch: bool = True  # False: only a login shell knows `module`
    folders: tuple[str, ...] = ()  # shared between the hosts and writable: /scratch, /projects …
    files: Mapping[str, str] = field(default_factory=dict)  # path -> content, on every host
    env: Mapping[str, str] = field(default_factory=dict)  # what a user's login shell sets at the site
    stand_ins: tuple[str, ...] = ()  # what is not the site's own thing; a test report repeats them
    scheduler: str = "slurm"  # or gridengine
    suite: str = ""  # "" this machine's Slurm; "trixie", "unstable": another Debian's
    slurm: Mapping[str, str] = field(default_factory=dict)  # any other line of slurm.conf

    def digest(self) -> str:
        return hashlib.sha256(repr(asdict(self)).encode()).hexdigest()[:16]


def daemon(
    argv: list[str], log: str, until: str = "", folders: list[str] | None = None, env: dict[str, str] | None = None
) -> dict:
    """One for host.py to start; it goes on to the next when the file `until` exists."""
    return {"argv": argv, "log": log, "until": until, "folders": folders or [], "env": env or {}}
