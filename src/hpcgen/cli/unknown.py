"""What to say of an option that there is not."""

from __future__ import annotations

from typing import FrozenSet, Sequence

# What other programs call what has an option here: mpirun, qsub, bsub, flux.
SAME = {
    "walltime": "--time", "ranks": "--ntasks", "np": "--ntasks", "nprocs": "--ntasks", "name": "--job-name",
    "project": "--account", "cores": "--cpus-per-task", "ncpus": "--cpus-per-task", "cpus": "--cpus-per-task",
    "memory": "--mem", "ngpus": "--gpus", "email": "--mail-user", "workdir": "--chdir", "container": "--image",
}  # fmt: skip
def advice(option: str, known: Sequence[str], command: str) -> str:
    """The option of this command that was meant, or how a scheduler's own are given; else the empty string."""
    same = SAME.get(option.lstrip("-"))
    if same in known:
        return f" – did you mean '{same}'?"
    if "--directive" in known and option in _foreign(command):
        return f": what is sbatch's alone goes by --directive: --directive '{option}' or '{option}=VALUE'"
    import difflib

    names = {name.lstrip("-"): name for name in known if name.startswith("--")}
    close = difflib.get_close_matches(option.lstrip("-"), list(names), 1, 0.7)
    return f" – did you mean '{names[close[0]]}'?" if close and option.startswith("--") else ""


def _foreign(command: str) -> FrozenSet[str]:
    """Options that hpcgen has not, of the scheduler that the command is for; of any where a command is for all."""
    from hpcgen import schedulers

    names = [command] if command in schedulers.names() else [] if command == "run" else schedulers.names()
    return frozenset().union(*(schedulers.get(name).foreign for name in names))
