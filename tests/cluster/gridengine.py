"""Grid Engine in a miniature: the master on the login host, an execution daemon on the others."""
from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Callable

from .patience import LONGER
from .shape import LOGIN, Host, Shape, daemon

if TYPE_CHECKING:
    from .bed import Miniature

COMMON = "/var/lib/gridengine/default/common"
SPOOL = "/var/spool/gridengine"
# the package has made the spool database already, unless debconf was told not to; the name of the master comes from us
MASTER = f"""
chown -R sgeadmin: {SPOOL} {COMMON}
rm -f {SPOOL}/spooldb/__db.*
init=/usr/share/gridengine/scripts/init_cluster
[ -e {SPOOL}/spooldb/sge ] || su -s /bin/sh -c "$init /var/lib/gridengine default {SPOOL}/spooldb sgeadmin" sgeadmin
exec sge_qmaster
"""
EXECUTOR = f"""
chown -R sgeadmin: {SPOOL} {COMMON}
until qconf -sh 2>/dev/null | grep -qx "$(hostname)"; do sleep 0.1; done
exec sge_execd
"""
ENVIRONMENT = {"SGE_ROOT": "/var/lib/gridengine", "SGE_CELL": "default", "SGE_ND": "1"}  # ND: stay in the foreground


def files(shape: Shape, logs: str) -> dict[str, str]:
    return {
        f"{COMMON}/act_qmaster": f"{LOGIN}\n",
        f"{COMMON}/host_aliases": "",
        "/etc/profile.d/gridengine.sh": "export SGE_ROOT=/var/lib/gridengine SGE_CELL=default\n",
    }


def login_daemons(logs: str) -> list[dict]:
    folders = [f"{SPOOL}/qmaster", f"{SPOOL}/spooldb", "/run/gridengine"]
    return [daemon(["sh", "-c", MASTER], f"{logs}/qmaster.log", folders=folders, env=ENVIRONMENT)]


def host_daemons(host: Host, logs: str) -> list[dict]:
    return [
        daemon(
            ["sh", "-c", EXECUTOR],
            f"{logs}/execd-{host.name}.log",
            folders=[f"{SPOOL}/execd", "/run/gridengine"],
            env=ENVIRONMENT,
        )
    ]


def answers(bed: Miniature) -> bool:
    return bed.run(["qconf", "-sconf"], check=False).returncode == 0


def prepare(bed: Miniature, seconds: float = 25 * LONGER) -> None:
    deadline = time.monotonic() + seconds
    names = [host.name for host in bed.shape.hosts]
    until(bed, deadline, lambda: answers(bed), "the master does not answer")
    configure(bed, ["-ah", ",".join(names)])
    configure(bed, ["-as", ",".join([LOGIN, *names])])
    settings = bed.run(["qconf", "-ssconf"]).stdout
    for key, value in (("schedule_interval", "0:0:1"), ("flush_submit_sec", "1"), ("flush_finish_sec", "1")):
        settings = re.sub(rf"(?m)^({key}\s+).*$", rf"\g<1>{value}", settings)
    configure(bed, ["-Msconf"], settings)
    configure(bed, ["-Ap"], PARALLEL.format(name="mpi", rule="$round_robin"))
    configure(bed, ["-Ap"], PARALLEL.format(name="smp", rule="$pe_slots"))
    # execution daemons announce themselves once their hosts are allowed to
    until(
        bed,
        deadline,
        lambda: set(names) <= set(bed.run(["qconf", "-sel"], check=False).stdout.split()),
        "not every host has announced itself",
    )
    slots = ",".join(["1", *(f"[{host.name}={host.node.cpus}]" for host in bed.shape.hosts)])
    configure(bed, ["-Aq"], QUEUE.format(hosts=" ".join(names), slots=slots))
    until(bed, deadline, lambda: ready(bed), "not every host is ready")


def ready(bed: Miniature) -> bool:
    """A queue on a host that has not yet reported its load has a sixth column, the state."""
    lines = [line.split() for line in bed.run(["qstat", "-f"]).stdout.splitlines() if line.startswith("all.q@")]
    return len(lines) == len(bed.shape.hosts) and all(len(line) == 5 and line[3] != "-NA-" for line in lines)


def until(bed: Miniature, deadline: float, done: Callable[[], bool], complaint: str) -> None:
    while not done():
        if time.monotonic() > deadline:
            bed.fail(complaint)
        time.sleep(0.2)


def configure(bed: Miniature, words: list[str], text: str = "") -> None:
    """qconf reads a file where an administrator would use an editor."""
    if text:
        file = bed.folder / "run" / "qconf"
        file.write_text(text)
        words = [*words, str(file)]
    bed.run(["qconf", *words], user="root")


PARALLEL = """pe_name {name}
slots 9999
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule {rule}
control_slaves TRUE
job_is_first_task FALSE
urgency_slots min
accounting_summary FALSE
qsort_args NONE
"""

# unix_behavior: the script's own first line chooses the shell, as at every site we know
QUEUE = """qname all.q
hostlist {hosts}
seq_no 0
load_thresholds NONE
suspend_thresholds NONE
nsuspend 1
suspend_interval 00:05:00
priority 0
min_cpu_interval 00:05:00
processors UNDEFINED
qtype BATCH INTERACTIVE
ckpt_list NONE
pe_list mpi smp
rerun FALSE
slots {slots}
tmpdir /tmp
shell /bin/sh
prolog NONE
epilog NONE
shell_start_mode unix_behavior
starter_method NONE
suspend_method NONE
resume_method NONE
terminate_method NONE
notify 00:00:60
owner_list NONE
user_lists NONE
xuser_lists NONE
subordinate_list NONE
complex_values NONE
projects NONE
xprojects NONE
calendar NONE
initial_state default
s_rt INFINITY
h_rt INFINITY
s_cpu INFINITY
h_cpu INFINITY
s_fsize INFINITY
h_fsize INFINITY
s_data INFINITY
h_data INFINITY
s_stack INFINITY
h_stack INFINITY
s_core INFINITY
h_core INFINITY
s_rss INFINITY
h_rss INFINITY
s_vmem INFINITY
h_vmem INFINITY
"""
