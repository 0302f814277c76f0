"""jsrun's resource sets, of IBM's Cluster System Management.

Source: OLCF, Summit User Guide, Job Launcher (olcf/olcf-user-docs, systems/summit_user_guide.rst, commit 736f20db): the
table of options and their defaults; -p, -o, -e, -k, -F, -h, -m, -U as public scripts for Summit use them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from .reading import Bad, Switch, counted, matched, once, switches

OPTIONS: Tuple[Switch, ...] = tuple(
    Switch(row)
    for row in (
        "--nrs -n", "--tasks_per_rs -a", "--cpu_per_rs -c", "--gpu_per_rs -g", "--rs_per_host -r", "--bind -b", "--np -p",
        "--latency_priority -l", "--launch_distribution -d", "--smpiargs -M", "--env -E", "--env_eval -F", "--stdio_mode -k",
        "--stdio_stdout -o", "--stdio_stderr -e", "--exit_on_error -X", "--erf_input -U", "--memory_per_rs -m", "--chdir -h",
        "--progress", "--print_placement",
    )
)  # fmt: skip
FORMS = {
    "--bind": ("none|rs|(?:packed|proportional-packed)(?::(?:smt:)?[1-9][0-9]*)?", "none, rs or packed:N"),
    "--launch_distribution": ("packed|cyclic|plane:[1-9][0-9]*", "packed, cyclic or plane:N"),
    "--latency_priority": (
        "(?i:(?:gpu|cpu)-(?:gpu|cpu|mem|memory)(?:,(?:gpu|cpu)-(?:gpu|cpu|mem|memory))*)",
        "gpu-cpu, cpu-cpu …",
    ),
    "--exit_on_error": ("[01]", "0 or 1"),
}


FIELDS = {
    "--nrs": "count", "--tasks_per_rs": "tasks", "--cpu_per_rs": "cpus", "--gpu_per_rs": "gpus", "--rs_per_host": "per_host",
    "--np": "np",
}  # fmt: skip


@dataclass(frozen=True)
class Sets:
    """`count` resource sets (None: as many as fit) of `tasks` tasks, `cpus` CPUs and `gpus` GPUs, so many a host.

    `np` is the number of tasks of all sets, where that was said in place of each set's.
    """

    count: Optional[int] = None
    tasks: int = 1
    cpus: int = 1
    gpus: int = 0
    per_host: Optional[int] = None
    np: Optional[int] = None
    env: Tuple[Tuple[str, str], ...] = ()
    options: Tuple[Tuple[str, str], ...] = ()

    @property
    def ranks(self) -> Optional[int]:
        return self.np or (self.count * self.tasks if self.count else None)

    @property
    def hosts(self) -> Optional[int]:
        return -(-self.count // self.per_host) if self.count and self.per_host else None


def parse(words: List[str]) -> Tuple[Sets, List[str]]:
    """The sets, and the program with its arguments. Raises Bad."""
    found, rest = switches(words, OPTIONS)
    given: Dict[str, str] = {}
    env: List[Tuple[str, str]] = []
    for name, value in found:
        if name == "--env":
            match = matched(r"([A-Za-z_]\w*)(?:=(.*))?", value, "NAME or NAME=value")
            if match[2] is not None:
                env.append((match[1], match[2]))
            continue
        once(given, name, name)
        if name in FORMS:
            matched(FORMS[name][0], value, f"a value of {name}: {FORMS[name][1]}")
        given[name] = value
    if "--np" in given and "--tasks_per_rs" in given:
        raise Bad("--np beside --tasks_per_rs")
    numbers: Dict[str, int] = {}
    for name, field in FIELDS.items():
        if given.get(name, "").startswith("ALL_"):
            continue
        number = counted(given, name, f"a number for {name}", int(field != "gpus"))
        if number is not None:
            numbers[field] = number
    return Sets(env=tuple(env), options=tuple(given.items()), **numbers), rest
