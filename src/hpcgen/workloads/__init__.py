"""Workloads: a module and a template of the same name each, roles and rules -> components and steps."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Protocol, Tuple, cast

from hpcgen.errors import RequestError, among
from hpcgen.job import Command, Component
from hpcgen.request import Request


class Layout(NamedTuple):
    """Components, a command for each, and what a person should know that was assumed."""

    components: List[Component]
    commands: List[Command]
    assumed: Tuple[str, ...] = ()


class Workload(Protocol):
    """What plan knows of a workload. `MPI`: whether a launcher starts it; `REFUSES`: options that mean nothing to it."""

    MPI: bool
    REFUSES: Tuple[str, ...]

    def lay_out(self, request: Request) -> Layout:
        """Roles as components and commands. Raises RequestError."""


def names() -> List[str]:
    return sorted(p.stem.replace("_", "-") for p in Path(__file__).parent.glob("[!_]*.py"))


def get(name: str) -> Workload:
    if name not in names():
        raise RequestError(f"--workload: unknown workload '{name}'{among(name, names())}")
    return cast(Workload, importlib.import_module(f"hpcgen.workloads.{name.replace('-', '_')}"))


def threads(count: int) -> Tuple[Tuple[str, str], ...]:
    """OpenMP's own variable; MKL and OpenBLAS read it too, and would else start a thread for every CPU they see."""
    return (("OMP_NUM_THREADS", str(count)),)


def command(request: Request, selfcheck: Tuple[str, ...] = (), python: bool = False) -> Command:
    """The program as asked for: by Python where it must be or ends in .py, else itself; or the self-check."""
    interpreter = request.python or "python"
    if request.program is None:
        if request.args:
            raise RequestError("program: arguments without a program: name the program first")
        return Command(python=interpreter, args=selfcheck)
    if request.program.startswith("-"):
        raise RequestError(f"program: '{request.program}' begins with '-': write './{request.program}'")
    by_python = python or request.program.endswith(".py")
    return Command(python=interpreter if by_python else None, file=request.program, args=request.args)


def component(request: Request, role: str, ntasks: int, cpus: int, **more: object) -> Component:
    """A component with what a request says of every one of its kind."""
    same = {name: getattr(request, name) for name in SHARED}
    own: Dict[str, Optional[object]] = {"ntasks": ntasks, "cpus_per_task": cpus, "env": threads(cpus), **more}
    return Component(role=role, **{**same, **own})  # type: ignore[arg-type]


SHARED = (
    "nodes", "ntasks_per_node", "ntasks_per_core", "cpus_per_gpu", "threads_per_core", "hint", "gres", "partition",
    "constraint", "exclusive", "nodelist", "exclude", "distribution", "licenses",
)  # fmt: skip


def memory(request: Request, otherwise: Optional[int] = None) -> Dict[str, Optional[int]]:
    """The memory fields of a component, in the style that was asked for; MiB per CPU otherwise."""
    asked = {f"{name}_mib": getattr(request, name) for name in ("mem", "mem_per_cpu", "mem_per_gpu")}
    asked = {name: None if value is None else int(value) for name, value in asked.items()}
    return asked if any(asked.values()) else {**asked, "mem_per_cpu_mib": otherwise}
