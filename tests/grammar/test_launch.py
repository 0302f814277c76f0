"""The parser of launch lines: what each documented form starts, and what no launcher would take."""

from __future__ import annotations

import shlex
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar import jsrun
from grammar.launch import Part, parse
from grammar.reading import Bad

SMALL = (("OMP_NUM_THREADS", "1"),)
LARGE = (("OMP_NUM_THREADS", "4"),)
GOOD = {
    "mpiexec -n 4 ./a": [Part(4, ("./a",))],
    "mpiexec ./a -n 3": [Part(None, ("./a", "-n", "3"))],
    "mpiexec -n 2 env OMP_NUM_THREADS=1 python p.py 'a b' : -n 3 env OMP_NUM_THREADS=4 python p.py 'a b'": [
        Part(2, ("python", "p.py", "a b"), SMALL),
        Part(3, ("python", "p.py", "a b"), LARGE),
    ],
    "mpiexec -n 2 -env OMP_NUM_THREADS 1 ./a : \\\n -n 3 -env OMP_NUM_THREADS 4 ./b": [
        Part(2, ("./a",), SMALL),
        Part(3, ("./b",), LARGE),
    ],
    "mpiexec.hydra -ppn 2 -np 4 -bind-to core ./a": [Part(4, ("./a",), per_node=2, options=(("-bind-to", "core"),))],
    "openmpi: mpirun --map-by ppr:2:node:PE=4 -x A=1 -x PATH --mca btl ^openib -np 4 ./a": [
        Part(4, ("./a",), (("A", "1"),), options=(("--map-by", "ppr:2:node:PE=4"), ("-x", "PATH"), ("--mca", "btl ^openib")))
    ],
    "pals: mpiexec -n 8 --ppn 4 --depth=16 --cpu-bind depth --env OMP_NUM_THREADS=4 ./a": [
        Part(8, ("./a",), LARGE, cpus=16, per_node=4, options=(("--cpu-bind", "depth"),))
    ],
    "flux run -N2 -n8 -c12 -g1 --env=OMP_NUM_THREADS=4 ./a -n 3": [
        Part(8, ("./a", "-n", "3"), LARGE, cpus=12, gpus=1, options=(("--nodes", "2"),))
    ],
    "flux run -N 4 --tasks-per-node=2 ./a": [Part(8, ("./a",), per_node=2, options=(("--nodes", "4"),))],
    "flux run -N 4 ./a": [Part(4, ("./a",), options=(("--nodes", "4"),))],
    "flux run ./a": [Part(1, ("./a",))],
    "ibrun ./a": [Part(None, ("./a",))],
    "ibrun -n 4 -o 8 ./a": [Part(4, ("./a",), options=(("-o", "8"),))],
    "gerun ./a x": [Part(None, ("./a", "x"))],
    "mpirun -np $NSLOTS ./a": [Part(None, ("./a",), options=(("-n", "$NSLOTS"),))],
    "flux run -n $N ./a": [Part(None, ("./a",), options=(("--ntasks", "$N"),))],
    "flux run -n 2 env": [Part(2, ("/usr/bin/env",))],
    'mpiexec -n 2 "$PYTHON" "a$b" ""': [Part(2, ("$PYTHON", "a$b", ""))],
}
BAD = {
    "": "an empty line",
    "mpiexec -n 0 ./a": "at least 1",
    "mpiexec -n two ./a": "is not a number of ranks",
    "mpiexec -n 2": "no program to start",
    "mpiexec -n 2 ./a :": "no program to start",
    "mpiexec -n 2 -n 3 ./a": "-n is given twice",
    "mpiexec --ntasks 2 ./a": "unknown option --ntasks",
    "mpiexec -n 2 -x A=1 ./a": "unknown option -x",
    "pals: mpiexec -n 2 -genv A 1 ./a": "unknown option -genv",
    "mpiexec -n 2 -env A": "needs a name and a value",
    "mpiexec -n 2 ./a | tee log": "| outside of quotes",
    "mpiexec -n 2 ./a > log": "> outside of quotes",
    "mpiexec -n 2 ./a # two": "an unquoted #",
    "mpiexec -n 2 ./a 'open": "a quote that is not closed",
    "mpiexec -n 2 env -i ./a": "only variables before the program",
    "srun -n 2 ./a": "srun is no launcher",
    "gerun -n 4 ./a": "gerun takes no options",
    "ibrun --ntasks 4 ./a": "unknown option --ntasks",
    "flux run -n 4 --tasks-per-node=2 ./a": "options of each node beside options of each task",
    "flux run -N 4 -n 2 ./a": "4 nodes for 2 tasks",
    "flux run -n 4 --cpus-per-task=2 ./a": "unknown option --cpus-per-task",
    "jsrun -n 4 -n 5 ./a": "--nrs is given twice",
    "jsrun -n 4 --cpus_per_rs 5 ./a": "unknown option --cpus_per_rs",
    "jsrun -n 4 -b cores ./a": "is not a value of --bind",
    "jsrun -n 4 -d block ./a": "is not a value of --launch_distribution",
    "jsrun -p 4 -a 2 ./a": "--np beside",
    "jsrun -n 4": "no program to start",
}


def flavoured(line: str) -> List[Part]:
    flavour, colon, rest = line.partition(": ")
    return parse(rest, flavour) if flavour in ("openmpi", "pals") and colon else parse(line)


@pytest.mark.parametrize("line", GOOD)
def test_started(line: str) -> None:
    assert flavoured(line) == GOOD[line]


@pytest.mark.parametrize("line", BAD)
def test_refused(line: str) -> None:
    with pytest.raises(Bad) as why:
        flavoured(line)
    assert BAD[line] in str(why.value)


def test_resource_sets() -> None:
    """Summit's usual layout: six sets a host, a task, seven cores and a GPU each."""
    line = "-n 24 -a1 -c7 -g 1 -r6 --bind=packed:7 -d plane:2 -l gpu-cpu -EOMP_NUM_THREADS=7 --smpiargs=-gpu ./a -n 3"
    sets, rest = jsrun.parse(line.split())
    assert (sets.count, sets.tasks, sets.cpus, sets.gpus, sets.per_host) == (24, 1, 7, 1, 6)
    assert (sets.ranks, sets.hosts, sets.env) == (24, 4, (("OMP_NUM_THREADS", "7"),))
    assert rest == ["./a", "-n", "3"]
    (part,) = parse(f"jsrun {line}")
    assert (part.ranks, part.argv, part.cpus, part.gpus) == (24, ("./a", "-n", "3"), 7, 1)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)


@given(st.lists(TEXT, min_size=1, max_size=4), st.integers(1, 99))
def test_arguments_arrive(args: List[str], ranks: int) -> None:
    """Whatever the arguments are, quoted as a shell needs it they are the program's, but for a lone colon: mpiexec's own."""
    line = f"mpiexec -n {ranks} ./a {shlex.join(args)}"
    if ":" in args:
        return
    assert parse(line) == [Part(ranks, ("./a", *args))]
