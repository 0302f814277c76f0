"""What to say of an option that there is not."""

from __future__ import annotations

import difflib
from typing import Sequence

# What other programs call what has an option here: mpirun, qsub, bsub, flux.
SAME = {
    "walltime": "--time", "ranks": "--ntasks", "np": "--ntasks", "nprocs": "--ntasks", "name": "--job-name",
    "project": "--account", "cores": "--cpus-per-task", "ncpus": "--cpus-per-task", "cpus": "--cpus-per-task",
    "memory": "--mem", "ngpus": "--gpus", "email": "--mail-user", "workdir": "--chdir", "container": "--image",
}  # fmt: skip
# Options of sbatch that have none here. Source: sbatch(1), 24.11.
SBATCH = frozenset(
    "--acctg-freq --batch --bb --bbf --begin --clusters --cluster-constraint --container-id --contiguous --core-spec "
    "--cores-per-socket --cpu-freq --deadline --delay-boot --extra-node-info --get-user-env --gid --gpu-bind --gpu-freq "
    "--gpus-per-socket --gres-flags --hold --ignore-pbs --input --kill-on-invalid-dep --mcs-label --mem-bind --mincpus "
    "--network --nice --no-kill --nodefile --ntasks-per-gpu --ntasks-per-socket --oom-kill-step --overcommit "
    "--oversubscribe --power --prefer --priority --profile --propagate --quiet --reboot --segment --sockets-per-node "
    "--spread-job --stepmgr --switches --thread-spec --tres-bind --tres-per-task --uid --use-min-nodes "
    "--wait-all-nodes --wckey --x11".split()
)


def advice(option: str, known: Sequence[str], command: str) -> str:
    """The option of this command that was meant, or how sbatch's own are said; else the empty string."""
    same = SAME.get(option.lstrip("-"))
    if same in known:
        return f" – did you mean '{same}'?"
    if option in SBATCH and "--directive" in known and command not in ("pbs", "sge", "lsf", "flux", "local", "run"):
        return f": what is sbatch's alone goes by --directive: --directive '{option}' or '{option}=VALUE'"
    names = {name.lstrip("-"): name for name in known if name.startswith("--")}
    close = difflib.get_close_matches(option.lstrip("-"), list(names), 1, 0.7)
    return f" – did you mean '{names[close[0]]}'?" if close and option.startswith("--") else ""
