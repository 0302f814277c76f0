"""Advice on options that do not exist, and on those in the wrong place."""

from __future__ import annotations

import shlex
from typing import Any, FrozenSet, Iterator, List, Sequence

# A command's arguments that are longer than this are not repeated.
LONG = 200
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


def misplaced(command: str, options: Sequence[Any], program: Sequence[str], more: bool) -> Iterator[str]:
    """A note on these options where they follow the program, with the command in the right order.

    Options of one letter alone are the program's: many programs have them. `more`: the command has other options too.
    """
    known = {name: option for option in options for name in option.opts + option.secondary_opts if name.startswith("-")}
    moved: List[str] = []
    kept: List[str] = []
    named: List[str] = []
    words = list(program[1:])
    while words:
        word = words.pop(0)
        name, equals, _ = word.partition("=")
        into = moved if name in known else kept
        into.append(word)
        if into is moved:
            named.append(name)
            if not equals and not known[name].is_flag and words:
                moved.append(words.pop(0))
    if any(name.startswith("--") for name in named):
        rest = shlex.join([program[0], *kept])
        right = f"{shlex.join(moved)} {rest if len(rest) < LONG else f'{shlex.quote(program[0])} …'}"
        yield (
            f"{', '.join(named)}: given after {program[0]}, so passed to it; if meant for hpcgen, write "
            f"hpcgen {command} {'… ' if more else ''}{right}"
        )
