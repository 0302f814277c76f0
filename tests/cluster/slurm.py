"""Slurm in a miniature: its configuration written from the shape, its daemons, and what a user does with it."""
from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .patience import LONGER
from .shape import LOGIN, Host, Partition, Shape, daemon

if TYPE_CHECKING:
    from .bed import Miniature

# A fault of Open MPI 5.0, rare here and reported from real clusters, too (open-mpi/ompi#12495, #11438): the rank that first
# leaves the fence at MPI_Init's end sends to one that is still in it, whose ob1 does not know MPI_COMM_WORLD yet. No MCA
# parameter is known to close the gap. Slurm's own fence, by a tree, lets nodes out one after the other: over three components,
# on a machine with other work, 3 of 60 steps crashed; by a ring none of 111.
FENCE = "PMIxCollFence=ring\n"
EARLY = re.compile(
    r"\(mca_pml_ob1_recv_frag_callback_match\+0x\w+\)(?:(?!\*\*\* End of error).)*\(ompi_mpi_init\+0x", re.DOTALL
)
FINISHED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE", "BOOT_FAIL", "PREEMPTED"}


def files(shape: Shape, logs: str) -> dict[str, str]:
    gres = [
        f"NodeName={host.name} Name=gpu{_type(host)} File=/dev/nvidia[0-{host.node.gpus - 1}]"
        for host in shape.hosts
        if host.node.gpus
    ]
    return {
        "/etc/slurm/slurm.conf": configuration(shape, logs),
        "/etc/slurm/gres.conf": "\n".join(["AutoDetect=off", *gres]) + "\n",
        # no control groups: they belong to the machine, and containers of CI often lack them
        **({} if shape.suite else {"/etc/slurm/mpi.conf": FENCE}),
        "/etc/slurm/cgroup.conf": "CgroupPlugin=disabled\n" if shape.suite else "CgroupAutomount=no\n",
    }


def configuration(shape: Shape, logs: str) -> str:
    lines = {
        "ClusterName": shape.name.replace("-", ""),
        "SlurmctldHost": LOGIN,
        "SlurmUser": "root",
        "AuthType": "auth/munge",
        "StateSaveLocation": "/var/spool/slurmctld",
        "SlurmdSpoolDir": "/var/spool/slurmd",
        "SlurmctldPidFile": "/run/slurmctld.pid",
        "SlurmdPidFile": "/run/slurmd.pid",
        "SlurmctldDebug": "verbose",
        "SlurmdLogFile": f"{logs}/slurmd-%n.log",  # only to a file do the steps' own processes write, too
        "SlurmdDebug": "verbose",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/affinity",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        # only backfill starts heterogeneous jobs; any other scheduler refuses them, as a site without them would
        "SchedulerType": "sched/backfill" if shape.hetjobs else "sched/builtin",
        "SchedulerParameters": "bf_interval=1,batch_sched_delay=0,sched_interval=1,sched_min_interval=1",
        "SlurmdParameters": "config_overrides",
        "MpiDefault": shape.mpi_default,
        "KillOnBadExit": str(int(shape.kill_on_bad_exit)),
        "EnforcePartLimits": "ALL",  # refused at once, as most sites do; otherwise such a job waits for ever
        "ReturnToService": "2",
        "MailProg": "/bin/true",
        "JobCompType": "jobcomp/filetxt",
        "JobCompLoc": f"{logs}/jobcomp.log",
        "KillWait": "5",
        "MinJobAge": "3600",
        **({"GresTypes": "gpu"} if any(host.node.gpus for host in shape.hosts) else {}),
        **shape.slurm,
    }
    text = [f"{key}={value}" for key, value in lines.items()]
    return "\n".join(text + [_node(host) for host in shape.hosts] + [_partition(shape, one) for one in shape.partitions]) + "\n"


def _type(host: Host) -> str:
    return f" Type={host.node.gpu_type}" if host.node.gpu_type else ""


def _node(host: Host) -> str:
    node = host.node
    words = [f"NodeName={host.name} CPUs={node.cpus} Sockets={node.sockets} CoresPerSocket={node.cores}"]
    words.append(f"ThreadsPerCore={node.threads} RealMemory={node.memory} State=UNKNOWN")
    if node.features:
        words.append(f"Feature={','.join(node.features)}")
    if node.gpus:
        words.append("Gres=gpu:" + (f"{node.gpu_type}:" if node.gpu_type else "") + str(node.gpus))
    return " ".join(words)


def _partition(shape: Shape, partition: Partition) -> str:
    words = [f"PartitionName={partition.name} Nodes={','.join(partition.hosts)} MaxTime={partition.max_time} State=UP"]
    words.append(f"Default={'YES' if partition.default else 'NO'}")
    if partition.default_time:
        words.append(f"DefaultTime={partition.default_time}")
    words += [f"{key}={value}" for key, value in partition.options.items()]
    return " ".join(words)


def login_daemons(logs: str) -> list[dict]:
    socket = "/run/munge/munge.socket.2"
    munged = ["munged", "--foreground", "--force", "--key-file=/etc/munge/munge.key", "--pid-file=/run/munged.pid"]
    return [
        daemon(
            [*munged, f"--socket={socket}", "--log-file=/var/log/munge/munged.log", "--seed-file=/var/lib/munge/seed"],
            f"{logs}/munged.log",
            until=socket,
            folders=["/var/log/munge", "/var/lib/munge"],
        ),
        daemon(["slurmctld", "-D"], f"{logs}/slurmctld.log", folders=["/var/spool/slurmctld"]),
    ]


def host_daemons(host: Host, logs: str) -> list[dict]:
    return [daemon(["slurmd", "-D", "-N", host.name], f"{logs}/slurmd-{host.name}.err", folders=["/var/spool/slurmd"])]


def answers(bed: Miniature) -> bool:
    return "is UP" in bed.run(["scontrol", "ping"], check=False).stdout


def prepare(bed: Miniature, seconds: float = 25 * LONGER) -> None:
    """Until every host has reported."""
    deadline = time.monotonic() + seconds
    while True:
        answer = bed.run(["sinfo", "--noheader", "--Node", "--format=%N %T"], check=False)
        states = dict(line.split() for line in answer.stdout.splitlines() if len(line.split()) == 2)
        if len(states) == len(bed.shape.hosts) and set(states.values()) <= {"idle", "mixed", "allocated"}:
            return
        if time.monotonic() > deadline:
            bed.fail(f"the hosts are not ready after {seconds:.0f} s: {states or answer.stderr.strip()}")
        time.sleep(0.1)


def submit(bed: Miniature, script: str, *options: str, cwd: str = "", env: dict[str, str] | None = None) -> str:
    """The job's number, as `sbatch` gives it to a user at a login shell."""
    answer = bed.run(["sbatch", *options, script], cwd=cwd, env=env, check=False)
    found = re.search(r"Submitted batch job (\d+)", answer.stdout)
    if not found:
        raise Refused(answer.stderr.strip() or answer.stdout.strip())
    return found.group(1)


class Refused(Exception):
    """What sbatch said."""


@dataclass
class Job:
    bed: Miniature
    number: str
    records: list[dict[str, str]]  # as `scontrol show job` names things; one a component
    seconds: float

    @property
    def state(self) -> str:
        """COMPLETED only if every component is."""
        return next((record["JobState"] for record in self.records if record["JobState"] != "COMPLETED"), "COMPLETED")

    @property
    def output(self) -> str:
        try:
            return Path(self.records[0]["StdOut"]).read_text(errors="replace")
        except OSError as problem:  # a log folder that is not there: the job vanishes
            return f"(no output: {problem})"

    def completed(self) -> Job:
        if self.state != "COMPLETED":
            folder = Path(self.records[0]["WorkDir"])
            self.bed.fail(
                f"job {self.number} is {self.state}, status {self.records[0]['ExitCode']}:\n{self.output[-2000:]}", folder
            )
        return self


def run(
    bed: Miniature, script: str, *options: str, cwd: str = "", env: dict[str, str] | None = None, seconds: float = 120
) -> Job:
    """Submit a script as it is and wait for its end, whatever that is; of Open MPI's crash in MPI_Init, once more."""
    done = _run(bed, script, *options, cwd=cwd, env=env, seconds=seconds)
    if done.state != "COMPLETED" and EARLY.search(done.output):
        print(f"job {done.number}: Open MPI has crashed in MPI_Init (open-mpi/ompi#12495): once more")
        return _run(bed, script, *options, cwd=cwd, env=env, seconds=seconds)
    return done


def _run(bed: Miniature, script: str, *options: str, cwd: str, env: dict[str, str] | None, seconds: float) -> Job:
    begin = time.monotonic()
    number = submit(bed, script, *options, cwd=cwd, env=env)
    return Job(bed, number, wait(bed, number, seconds), time.monotonic() - begin)


def wait(bed: Miniature, job: str, seconds: float = 120) -> list[dict[str, str]]:
    """What the job has come to; `seconds` are those of a quiet machine."""
    deadline = time.monotonic() + seconds * LONGER
    while True:
        records = show(bed, job)
        if records and all(record["JobState"] in FINISHED for record in records):
            return records
        if time.monotonic() > deadline:
            state = [record.get("JobState", "") + " " + record.get("Reason", "") for record in records]
            bed.run(["scancel", job], check=False)
            bed.fail(
                f"job {job} is not done after {seconds * LONGER:.0f} s: {state}",
                *(Path(record["WorkDir"]) for record in records[:1]),
            )
        time.sleep(0.2)


def show(bed: Miniature, job: str) -> list[dict[str, str]]:
    answer = bed.run(["scontrol", "show", "job", "--oneliner", job], check=False)
    return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in answer.stdout.splitlines() if "JobId=" in line]
