"""Advice on options that do not exist, and on options in the wrong place."""

from __future__ import annotations

import shlex
from typing import Any, FrozenSet, Iterator, List, Sequence

# Advice does not repeat arguments that are longer than this.
LONG = 200
# The names that other programs (mpirun, qsub, bsub, flux) use for options of hpcgen.
SAME = {
    "walltime": "--time", "ranks": "--ntasks", "np": "--ntasks", "nprocs": "--ntasks", "name": "--job-name",
    "project": "--account", "cores": "--cpus-per-task", "ncpus": "--cpus-per-task", "cpus": "--cpus-per-task",
    "memory": "--mem", "ngpus": "--gpus", "email": "--mail-user", "workdir": "--chdir", "container": "--image",
}  # fmt: skip


def advice(option: str, known: Sequence[str], command: str) -> str:
    """Suggest a similar option of this command, or --directive for an option of sbatch. Return "" without a suggestion."""
    same = SAME.get(option.lstrip("-"))
    if same in known:
        return f" – did you mean '{same}'?"
    if "--directive" in known and option in _foreign(command):
        return f": it is an option of sbatch: give it with --directive '{option}' or --directive '{option}=VALUE'"
    import difflib

    names = {name.lstrip("-"): name for name in known if name.startswith("--")}
    close = difflib.get_close_matches(option.lstrip("-"), list(names), 1, 0.7)
    return f" – did you mean '{names[close[0]]}'?" if close and option.startswith("--") else ""


def _foreign(command: str) -> FrozenSet[str]:
    """Options of the command's scheduler that hpcgen lacks. If the command is for all schedulers, those of all of them."""
    from hpcgen import schedulers

    names = [command] if command in schedulers.names() else [] if command == "run" else schedulers.names()
    return frozenset().union(*(schedulers.get(name).foreign for name in names))


def misplaced(command: str, options: Sequence[Any], program: Sequence[str], more: bool) -> Iterator[str]:
    """Yield a note if these options follow the program. The note shows the command in the right order.

    If all of them are options of one letter, there is no note, because many programs have such options. `more`: the command
    line also contains other options.
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
            f"{', '.join(named)}: options after {program[0]} are passed to {program[0]}: to pass them to hpcgen, write "
            f"hpcgen {command} {'… ' if more else ''}{right}"
        )
