"""Staging: what the script does where a program's own launcher, or none, starts the copying; and what is refused."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any, Dict

import pytest
from stubs import LOCAL, SLURM, flags
from test_parsed import SITES

from hpcgen import plan, render
from hpcgen.base.errors import HpcgenError
from hpcgen.profiles.load import decode

RANKS = """#!/bin/bash
[ "$1" = -n ] || exit 9
n=$2; shift 2
for ((i = 0; i < n; i++)); do "$@" & done
for ((i = 0; i < n; i++)); do wait -n || bad=1; done
exit ${bad:-0}
"""


def script(site: Dict[str, Any], **asked: Any) -> str:
    return render(plan(decode("stub", site, "stub.toml"), flags(**asked)))


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what is staged, and an mpiexec that starts its ranks at once, on one node."""
    monkeypatch.chdir(tmp_path)
    for name in ("-in$(touch ran)", "bin", "tmp"):
        Path(name).mkdir()
    Path("-in$(touch ran)", "b").write_text("b")
    Path("a: c").write_text("c")
    with tarfile.open("env.tgz", "w:gz") as archive:
        archive.add("a: c", "bin/tool")
    Path("bin/mpiexec").write_text(RANKS)
    Path("bin/mpiexec").chmod(0o755)
    return tmp_path


def run(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "TMPDIR": f"{folder}/tmp"}
    return subprocess.run(["bash"], input=text, text=True, capture_output=True, env=env, timeout=60)


STAGED = ("env.tgz", "-in$(touch ran)", "a: c")
SHOW = 'cd "$HPCGEN_STAGED" && echo "$(cat -- env/bin/tool -*/b "a: c") $(find . -type f | wc -l)"'


@pytest.mark.parametrize("workload, ranks", [("serial", 1), ("mpi", 8)])
def test_once_a_node_by_the_launcher(files: Path, workload: str, ranks: int) -> None:
    """All ranks wait for the one that copies; nothing is left over, and no name is run."""
    asked = {"ntasks": ranks} if workload == "mpi" else {}
    done = run(script(LOCAL, workload=workload, stage=STAGED, program="bash", args=("-c", SHOW), **asked), files)
    assert (done.stdout, done.stderr, done.returncode) == ("cbc 3\n" * ranks, "", 0)
    assert list((files / "tmp").iterdir()) == [] and not (files / "ran").exists()


@pytest.mark.parametrize("workload", ["serial", "mpi"])
def test_what_is_missing_ends_the_job(files: Path, workload: str) -> None:
    done = run(script(LOCAL, workload=workload, stage=("env.tgz", "gone"), program="echo", args=("ran",)), files)
    assert done.returncode == 1 and done.stdout == "" and "staging on" in done.stderr and "failed: gone" in done.stderr
    assert list((files / "tmp").iterdir()) == []


def test_a_staged_interpreter_and_environment() -> None:
    text = script(SLURM, workload="mpi", stage=("env.tgz",), python="$HPCGEN_STAGED/env/bin/python", program="x.py")
    assert 'srun --mpi=pmi2 --cpus-per-task=1 "$HPCGEN_STAGED"/env/bin/python x.py' in text
    text = script(SLURM, workload="mpi", stage=("env.tgz",), venv="$HPCGEN_STAGED/env", program="x.py")
    assert text.index("copy env.tgz") < text.index('. "$HPCGEN_STAGED"/env/bin/activate')


def test_where() -> None:
    local = {**SLURM, "storage": {"local": "$JOBFS/x y", "source": "x"}}
    memory = {**SLURM, "storage": {"local": "/dev/shm", "in_memory": True, "source": "x"}}
    assert 'HPCGEN_STAGED="$JOBFS/x y"/hpcgen-$(' in script(local, workload="serial", stage=("a",), program="x")
    assert 'HPCGEN_STAGED="${TMPDIR:-/tmp}"/hpcgen-$(' in script(memory, workload="serial", stage=("a",), program="x")


@pytest.mark.parametrize("kind", SITES)
def test_every_launcher_starts_it(kind: str) -> None:
    text = script(SITES[kind], workload="mpi", ntasks=4, account="ab12", stage=("a:b", ":", "~/c"), program="./x")
    assert sum("HPCGEN_STAGE" in line and " copy " in line for line in text.splitlines()) == 1


@pytest.mark.parametrize(
    "paths, why",
    [
        (("a/x.tar.gz", "b/x"), "also has the name x"),
        (("/",), "does not end in a name"),
        (("..",), "does not end in a name"),
        (("~/",), "does not end in a name"),
    ],
)
def test_refusals(paths: Any, why: str) -> None:
    with pytest.raises(HpcgenError, match=why):
        script(SLURM, workload="mpi", stage=paths, program="x")


@pytest.mark.parametrize(
    "asked, sends, asks",
    [
        ({"ntasks": 4}, True, True),
        ({"ntasks": 4, "nodes": 2}, True, False),
        ({"ntasks": 4, "nodes": 1}, False, False),
        ({"ntasks": 1}, False, False),
        ({"workload": "serial"}, False, False),
        ({"workload": "dask-mpi", "hetjob": True}, True, False),
        ({"workload": "ray", "nodes": 2}, True, False),
    ],
)
def test_sbcast_for_several_nodes(asked: Dict[str, Any], sends: bool, asks: bool) -> None:
    """Only where there can be more nodes than one; where that is known only in the job, it asks there."""
    lines = script(SLURM, **{"workload": "mpi", "stage": ("a", "b: c"), "program": "./x", **asked}).splitlines()
    sending = [line for line in lines if line.lstrip().startswith("bash -c") and " send a 'b: c'" in line]
    assert (len(sending), any("$(sbcast --" in line for line in lines)) == (sends, sends)
    assert ("    for component in 0 1; do" in lines) == bool(asked.get("hetjob"))
    assert ('if [ "$SLURM_JOB_NUM_NODES" -gt 1 ]; then' in lines) == asks
    if sends:
        assert sum(" receive || exit" in line for line in lines) == sum(" copy " in line for line in lines if "srun" in line)


OPENMPI = {**SLURM, "mpi": {"launcher": "mpirun", "flavour": "openmpi", "source": "x"}}


def test_open_mpi_is_told_what_to_hand_on() -> None:
    """To its other nodes, which have nothing of the script's otherwise; a program has no use for the copying's text."""
    lines = script(OPENMPI, workload="mpi", ntasks=4, stage=("a",), program="./x").splitlines()
    started = [line.split(" -n 4 ") for line in lines if line.lstrip().startswith("mpirun ")]
    words = [(before.split(), after.split()[0]) for before, after in started]
    runs, threads = ["mpirun", "-x", "HPCGEN_STAGED"], ["-x", "OMP_NUM_THREADS"]
    copies, runs = [*runs, "-x", "HPCGEN_STAGE", *threads], [*runs, *threads]
    assert words == [(copies, "bash"), (copies, "bash"), (runs, "./x")]
    intel = {**SLURM, "mpi": {"launcher": "mpirun", "flavour": "intel", "source": "x"}}
    assert "-x HPCGEN" not in script(intel, workload="mpi", ntasks=4, stage=("a",), program="./x")


def test_what_does_not_reach_a_node_ends_the_job(files: Path) -> None:
    """In place of a program that finds nothing."""
    (files / "bin/mpiexec").write_text(RANKS.replace('"$@" &', "env -u HPCGEN_STAGED -u HPCGEN_STAGE \"$@\" &"))
    done = run(script(LOCAL, workload="mpi", ntasks=1, stage=STAGED, program="echo", args=("ran",)), files)
    assert done.returncode and done.stdout == "" and list((files / "tmp").iterdir()) == []
    assert re.fullmatch(".*hpcgen: staging on [^ ]+ failed: mpiexec did not pass this variable on\n", done.stderr)


@pytest.mark.parametrize("runtime", ["apptainer", "singularity"])
def test_an_image_is_given_the_folder(runtime: str) -> None:
    site = {**OPENMPI, "container": {"runtime": runtime, "source": "x"}}
    bind = f"{runtime.upper()}_BIND"
    lines = script(site, workload="mpi", stage=("a",), image="my.sif", bind=("/x",), program="x.py").splitlines()
    binds = [f'export {bind}="${{{bind}:+${bind},}}/x,$PWD"', f'export {bind}="${bind},$HPCGEN_STAGED"']
    wanted = [lines.index(line) for line in ("export HPCGEN_STAGED HPCGEN_STAGE", *binds)]
    assert wanted == sorted(wanted)
    assert "$HPCGEN_STAGED" not in script(site, workload="mpi", image="my.sif", program="x.py")


def test_no_sbcast_without_srun() -> None:
    text = script(OPENMPI, workload="mpi", ntasks=4, stage=("a",), program="x")
    assert "sbcast" not in text and "mpirun" in text
