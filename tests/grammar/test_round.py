"""Requests of every shape, written down as the manuals say, come back as they were."""

from __future__ import annotations

import shlex
from typing import Dict, List, Optional, Tuple

from hypothesis import given
from hypothesis import strategies as st

from grammar import flux, lsf, pbs, sge, torque
from grammar.request import Array, Component

COUNT = st.integers(1, 999)
SOME = st.none() | COUNT
CHUNK = st.builds(Component, COUNT, cpus=COUNT, mpiprocs=SOME, ompthreads=SOME, mem_mib=SOME, gpus=SOME)
NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,14}", fullmatch=True)
SECONDS = st.integers(1, 10**7)


def clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def chunk(part: Component) -> str:
    given: Dict[str, Optional[object]] = {
        "ncpus": part.cpus, "mpiprocs": part.mpiprocs, "ompthreads": part.ompthreads, "ngpus": part.gpus,
        "mem": None if part.mem_mib is None else f"{part.mem_mib}mb",
    }  # fmt: skip
    return ":".join([str(part.count), *(f"{name}={value}" for name, value in given.items() if value is not None)])


@given(NAME, SECONDS, st.lists(CHUNK, min_size=1, max_size=4), st.integers(0, 9), st.integers(1, 99), st.integers(1, 9), SOME)
def test_pbs(
    name: str, seconds: int, parts: List[Component], first: int, more: int, step: int, throttle: Optional[int]
) -> None:
    limit = f"%{throttle}" if throttle else ""
    request = pbs.parse(
        f"#!/bin/sh\n#PBS -N {name}\n#PBS -l walltime={clock(seconds)}\n#PBS -J {first}-{first + more}:{step}{limit}\n"
        f"#PBS -l select={'+'.join(map(chunk, parts))}\ntrue\n"
    )
    assert (request.name, request.walltime, request.components) == (name, seconds, tuple(parts))
    assert request.array == Array(((first, first + more, step),), throttle)


@given(NAME, SECONDS, st.lists(st.tuples(COUNT, COUNT, SOME), min_size=1, max_size=4))
def test_torque(name: str, seconds: int, parts: List[Tuple[int, int, Optional[int]]]) -> None:
    nodes = "+".join(f"{count}:ppn={ppn}" + (f":gpus={gpus}" if gpus else "") for count, ppn, gpus in parts)
    request = torque.parse(f"#PBS -N {name}\n#PBS -l nodes={nodes},walltime={seconds}\n")
    assert (request.name, request.walltime) == (name, seconds)
    assert [(part.count, part.cpus, part.mpiprocs, part.gpus) for part in request.components] == [
        (c, p, p, g) for c, p, g in parts
    ]


@given(NAME, SECONDS, COUNT, COUNT)
def test_sge(name: str, seconds: int, slots: int, mem: int) -> None:
    request = sge.parse(f"#$ -N {name}\n#$ -pe mpi {slots}\n#$ -l h_rt={clock(seconds)},h_vmem={mem}M\n")
    assert (request.name, request.walltime, request.components) == (name, seconds, (Component(slots, cpus=1, mem_mib=mem),))


@given(NAME, st.integers(1, 10**5), st.lists(st.tuples(COUNT, COUNT, COUNT), min_size=1, max_size=4))
def test_lsf(name: str, minutes: int, parts: List[Tuple[int, int, int]]) -> None:
    compound = " + ".join(f"{count}*{{rusage[mem={mem}MB] affinity[core({cores})]}}" for count, cores, mem in parts)
    slots = sum(count for count, _, _ in parts)
    request = lsf.parse(
        f'#BSUB -J {name}\n#BSUB -W {minutes // 60}:{minutes % 60:02}\n#BSUB -n {slots}\n#BSUB -R "{compound}"\n'
    )
    assert (request.name, request.walltime) == (name, minutes * 60)
    assert [(part.count, part.cpus, part.mem_mib) for part in request.components] == parts


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1), SECONDS, COUNT, COUNT, SOME)
def test_flux(name: str, seconds: int, slots: int, cores: int, gpus: Optional[int]) -> None:
    options = f"-n {slots} -c {cores} -t {seconds}s" + (f" -g {gpus}" if gpus else "")
    request = flux.parse(f"#!/bin/sh\n# flux: --job-name={shlex.quote(name)}\n# flux: {options}\ntrue\n")
    assert (request.name, request.walltime, request.components) == (name, seconds, (Component(slots, cpus=cores, gpus=gpus),))
