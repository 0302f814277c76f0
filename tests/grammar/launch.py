"""Launch lines of script bodies: what each part starts, in how many ranks, with which variables.

Sources: MPI 4.1, 11.5 (mpiexec -n N prog : -n N prog); Hydra's mpiexec(1) of MPICH 4 and Intel MPI 2021; Open MPI 5 mpirun(1);
HPE Cray PALS mpiexec(1) as ALCF and NCAR document it; flux-run(1) of 0.88; TACC's ibrun; UCL's gerun. jsrun: jsrun.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from . import jsrun
from .flux import COMMON, check, duration
from .reading import Bad, Switch, counted, once, shell_words, switches

Env = Tuple[Tuple[str, str], ...]


@dataclass(frozen=True)
class Part:
    """Equal ranks. `ranks` is None where the launcher takes them from the allocation; `options` are the rest of its options."""

    ranks: Optional[int]
    argv: Tuple[str, ...]
    env: Env = ()
    cpus: Optional[int] = None
    gpus: Optional[int] = None
    per_node: Optional[int] = None
    options: Tuple[Tuple[str, str], ...] = ()

    @property
    def each_node(self) -> Optional[int]:
        """Ranks of each node, where the line says how many, or on how many nodes; one rank is on one."""
        options = dict(self.options)
        if mapped := re.match(r"ppr:([1-9]\d*):node(?![^:])", options.get("--map-by", "")):
            return int(mapped[1])
        if nodes := int(options.get("--nodes", 0)):
            return -(-(self.ranks or 0) // nodes)
        return self.per_node or (1 if self.ranks == 1 else None)


def table(valued: str, bare: str = "") -> Tuple[Switch, ...]:
    """Options with a value, and without; spellings of one are joined by a comma."""
    values = [Switch(row.replace(",", " ")) for row in valued.split()]
    return (*values, *(Switch(row.replace(",", " "), "") for row in bare.split()))


STANDARD = "-n,-np,--n,--np -host,--host,-H -wdir,--wdir,-wd -path -arch -soft -file "
HYDRA = table(
    f"{STANDARD} -f,-hostfile,--hostfile,-machinefile -hosts -ppn,-perhost -bind-to,--bind-to -map-by,--map-by -iface -launcher"
    " -rmk -genvlist -envlist -genv -env -configfile -outfile-pattern -errfile-pattern",
    "-genvall -envall -genvnone -envnone -prepend-rank,-l -print-rank-map -verbose,-v -info",
)
OPENMPI = table(
    f"{STANDARD} --hostfile,-hostfile,--machinefile -x --map-by,-map-by --bind-to,-bind-to --rank-by -N,--npernode,-npernode"
    " --mca,-mca --pmixmca --prtemca --output --timeout --tune",
    "--oversubscribe --allow-run-as-root --report-bindings --display-map --tag-output --quiet,-q --verbose",
)
PALS = table(
    "-n,-np,--np --ppn,-ppn,-N --depth,-d --cpu-bind --mem-bind --gpu-bind --env,-e,-env --envlist --hosts --hostfile,-f --wdir"
    " --rlimits --line-buffer,-l --label --exclude-hosts --procinfo --pmi --umask --timeout",
    "--envall --envnone --genvall --genvnone --no-abort-on-failure --no-vni",
)
IBRUN = table("-n,-np -o,--offset")
RUN: Tuple[Switch, ...] = (
    *COMMON,
    *table(
        "--ntasks,-n --cores-per-task,-c --gpus-per-task,-g --cores --tasks-per-node --tasks-per-core --gpus-per-node --taskmap"
        " --wait-event",
        "--verbose,-v --dry-run",
    ),
)
PAIRS = ("-genv", "-env")  # Hydra's, with two words: -env NAME VALUE
MCA = ("--mca", "-mca", "--pmixmca", "--prtemca")


def parse(line: str, flavour: str = "hydra") -> List[Part]:
    """The parts of a launch line; `flavour` is of mpiexec: hydra, openmpi or pals. Raises Bad.

    A program that env(1) starts is the program that env starts, with its variables.
    """
    words = shell_words(line, comments=False)
    if words[:1] == ["exec"]:
        words = words[1:]
    if not words:
        raise Bad("an empty line")
    program = words[0].rpartition("/")[2]
    if program in ("mpiexec", "mpirun", "mpiexec.hydra"):
        return colons(words[1:], {"hydra": HYDRA, "openmpi": OPENMPI, "pals": PALS}[flavour])
    if program == "jsrun":
        return [_jsrun(words[1:])]
    if program == "flux" and words[1:2] == ["run"]:
        return [_flux(words[2:])]
    if program == "ibrun":
        return [_mpi(words[1:], IBRUN)]
    if program == "gerun":
        if words[1:2] and words[1].startswith("-"):
            raise Bad(f"gerun takes no options: {words[1]}")
        return [_part(None, words[1:])]
    raise Bad(f"{program} is no launcher that this reads")


def colons(words: Sequence[str], known: Sequence[Switch]) -> List[Part]:
    """Parts between single colons."""
    parts: List[List[str]] = [[]]
    for word in words:
        if word == ":":
            parts.append([])
        else:
            parts[-1].append(word)
    return [_mpi(part, known) for part in parts]


def _mpi(words: Sequence[str], known: Sequence[Switch]) -> Part:
    rest = list(words)
    found: List[Tuple[str, str]] = []
    env: List[Tuple[str, str]] = []
    while rest and rest[0].startswith("-"):
        if rest[0] in MCA:
            if len(rest) < 3:
                raise Bad(f"{rest[0]} needs a name and a value")
            found.append((rest[0], " ".join(rest[1:3])))
            del rest[:3]
        elif rest[0] in PAIRS and known is HYDRA:
            if len(rest) < 3:
                raise Bad(f"{rest[0]} needs a name and a value")
            env.append((rest[1], rest[2]))
            del rest[:3]
        else:
            single, after = _one(rest, known)
            name, value = single
            if name in ("-x", "--env"):
                variable, equals, text = value.partition("=")
                if equals:
                    env.append((variable, text))
                else:
                    found.append(single)
            else:
                once(dict(found), name, name)
                found.append(single)
            rest = after
    options = dict(found)
    ranks = counted(options, "-n", "a number of ranks")
    per_node = next((counted(options, name, "ranks of each node") for name in ("-ppn", "-N", "--ppn") if name in options), None)
    cpus = counted(options, "--depth", "CPUs of each rank")
    return _part(ranks, rest, env, options, per_node=per_node, cpus=cpus)


def _one(rest: List[str], known: Sequence[Switch]) -> Tuple[Tuple[str, str], List[str]]:
    """The first option of these words."""
    spelt = {spelling: switch for switch in known for spelling in switch.spellings.split()}
    name, equals, value = rest[0].partition("=")
    switch = spelt.get(name)
    if switch is None:
        raise Bad(f"unknown option {rest[0]}")
    first = switch.spellings.split()[0]
    if switch.value == "":
        return (first, ""), rest[1:]
    if equals:
        return (first, value), rest[1:]
    if len(rest) < 2:
        raise Bad(f"{name} needs a value")
    return (first, rest[1]), rest[2:]


def _part(
    ranks: Optional[int],
    argv: Sequence[str],
    env: Sequence[Tuple[str, str]] = (),
    options: Optional[Mapping[str, str]] = None,
    **more: Optional[int],
) -> Part:
    """Variables of env(1) before the program are the part's; the program must be there."""
    variables = list(env)
    words = list(argv)
    if words[:1] == ["env"]:
        words.pop(0)
        while words and re.match(r"[A-Za-z_]\w*=", words[0]):
            name, _, value = words.pop(0).partition("=")
            variables.append((name, value))
        if words and words[0].startswith("-"):
            raise Bad(f"env {words[0]}: only variables before the program")
        if not words:  # env itself is the program, which prints them
            return _part(ranks, ["/usr/bin/env"], variables, options, **more)
    if not words:
        raise Bad("no program to start")
    return Part(ranks, tuple(words), tuple(variables), options=tuple((options or {}).items()), **more)


def _flux(words: Sequence[str]) -> Part:
    """flux run: tasks, cores and GPUs of each; nodes alone are a task each."""
    found, rest = switches(list(words), RUN)
    options: Dict[str, str] = {}
    env: List[Tuple[str, str]] = []
    for name, value in found:
        check(name, value)
        if name == "--env" and "=" in value:
            variable, _, text = value.partition("=")
            env.append((variable, text))
        else:
            if name not in ("--env", "--setopt", "--setattr"):
                once(options, name, name)
            options[name] = f"{options[name]}\n{value}" if name in options else value
    if "--time-limit" in options:
        duration(options["--time-limit"], 60)
    numbers: Dict[str, Optional[int]] = {}
    for name in ("--ntasks", "--cores-per-task", "--gpus-per-task", "--tasks-per-node", "--nodes"):
        numbers[name] = counted(options, name, f"a number for {name}", int(name != "--gpus-per-task"))
    each, nodes, tasks = numbers["--tasks-per-node"], numbers["--nodes"], numbers["--ntasks"]
    per_task = tasks or numbers["--cores-per-task"] or numbers["--gpus-per-task"]
    if (each or "--cores" in options or "--gpus-per-node" in options) and per_task:
        raise Bad("options of each node beside options of each task")
    if nodes and tasks and nodes > tasks:
        raise Bad(f"{nodes} nodes for {tasks} tasks")
    unknown = each or {"--ntasks", "--nodes", "--tasks-per-node"} & set(options)  # a variable's value
    ranks = tasks or (nodes * (each or 1) if nodes and "--ntasks" not in options else None if unknown else 1)
    if nodes:
        options["--nodes"] = str(nodes)
    return _part(ranks, rest, env, options, cpus=numbers["--cores-per-task"], gpus=numbers["--gpus-per-task"], per_node=each)


def _jsrun(words: Sequence[str]) -> Part:
    """Ranks, and what a resource set gives to each of its tasks."""
    sets, rest = jsrun.parse(list(words))
    options = dict(sets.options)
    options["resource sets"] = f"{sets.count} × {sets.tasks} tasks, {sets.cpus} CPUs, {sets.gpus} GPUs"
    return _part(sets.ranks, rest, sets.env, options, cpus=sets.cpus, gpus=sets.gpus)
