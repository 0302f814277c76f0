"""Which workload a command line means that names none, and what kind of file it names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, List, Tuple

import pytest

from hpcgen import Request, load, plan
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import Token
from hpcgen.cli import status
from hpcgen.inputs import infer
from hpcgen.inputs.gather import gather

PROGRAMS = {
    "bag.py": "import dask.bag as db\n",
    "client.py": "def main():\n    from distributed import Client\n",
    "ranks.py": "import os, mpi4py.MPI\n",
    "both.py": "from mpi4py import MPI\nfrom dask_mpi import initialize\n",
    "net.py": "try:\n    import torch\nexcept ImportError:\n    torch = None\n",
    "plain.py": "import numpy\n# import dask\ntext = '''\nimport mpi4py\n'''\n",
    "near.py": "from . import dask\nfrom .mpi4py import MPI\nimport torchvision, my.dask\n",
    "old.py": "from mpi4py import MPI\nprint 'rank', MPI.COMM_WORLD.rank\n",
    "unfinished.py": "import os, dask\nfor x in (\n",
    "binary.py": "import dask\0",
    "nested.py": "import mpi4py\nx = " + "(" * 5000 + ")" * 5000 + "\n",
    "warned.py": "import dask\nx = '\\d' is 1\n",
    "prog": "\x7fELF",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with PROGRAMS, as the working directory."""
    monkeypatch.chdir(tmp_path)
    for name, text in PROGRAMS.items():
        Path(name).write_text(text)
    return tmp_path


def found(*words: str, **flags: Any) -> Tuple[Any, str]:
    """The workload of these words and options at Vaughan, and the note."""
    program = {"program": words[0], "args": words[1:]} if words else {}
    gathered = gather({"site": "vaughan", **program, **flags}, of_job=True)
    return gathered.asked.request.workload, " ".join(gathered.notes)


@pytest.mark.parametrize(
    ("program", "flags", "workload", "why"),
    [
        ("plain.py", {"workload": "ray"}, "ray", ""),
        (None, {"commands": "list"}, "array", "--commands"),
        ("plain.py", {"table": "t.csv", "mpmd": ["2: a"]}, "array", "--table"),
        ("./prog", {"mpmd": ["2: ./prog"], "hetjob": True}, "mpi", "--mpmd"),
        ("ranks.py", {"workers": "3"}, "dask-mpi", "--workers"),
        ("./prog", {"hetjob": True}, "dask-mpi", "--hetjob"),
        ("ranks.py", {"hetjob": False}, "mpi", "imports mpi4py"),
        ("plain.py", {"runner": "local"}, "dask-mpi", "--runner"),
        (None, {}, "dask-mpi", "no program"),
        (None, {"ntasks": "4"}, "dask-mpi", "no program"),
        ("bag.py", {}, "dask-mpi", "imports dask"),
        ("bag.py", {"ntasks": "4"}, "dask-mpi", "imports dask"),
        ("client.py", {}, "dask-mpi", "imports distributed"),
        ("both.py", {}, "dask-mpi", "imports dask_mpi"),
        ("ranks.py", {}, "mpi", "imports mpi4py"),
        ("ranks.py", {"nodes": "2"}, "mpi", "imports mpi4py"),
        ("old.py", {"ntasks": "4"}, "mpi", "imports mpi4py"),
        ("unfinished.py", {}, "dask-mpi", "imports dask"),
        ("binary.py", {}, "dask-mpi", "imports dask"),
        ("nested.py", {}, "mpi", "imports mpi4py"),
        ("warned.py", {}, "dask-mpi", "imports dask"),
        ("net.py", {"gpus": "2"}, "torchrun", "more than one GPU"),
        ("net.py", {"nodes": "2", "gpus_per_node": "a100:1"}, "torchrun", "more than one GPU"),
        ("net.py", {"gres": "gpu:4"}, "torchrun", "more than one GPU"),
        ("net.py", {"gpus_per_task": "1", "ntasks": "2"}, "torchrun", "more than one GPU"),
        ("net.py", {"gpus": "1"}, "serial", "one task"),
        ("net.py", {"gpus": "a:b"}, "serial", "one task"),
        ("net.py", {}, "serial", "one task"),
        ("plain.py", {}, "serial", "imports neither dask nor mpi4py"),
        ("near.py", {"ntasks": "1"}, "serial", "imports neither dask nor mpi4py"),
        ("missing.py", {}, "serial", "does not exist here"),
        ("./prog", {"ntasks": "4"}, "mpi", "--ntasks 4"),
        ("wrf.exe", {"nodes": "2"}, "mpi", "--nodes 2"),
        ("wrf.exe", {"ntasks_per_node": "8"}, "mpi", "--ntasks-per-node 8"),
        ("./prog", {"ntasks": "1", "nodes": "1"}, "serial", "one task"),
    ],
)
def test_the_first_rule_that_matches(here: Path, program: Any, flags: Any, workload: str, why: str) -> None:
    inferred, note = found(*([program] if program else []), **flags, **({"tasks": "3"} if workload == "array" else {}))
    assert inferred == workload
    assert (f"assuming --workload {workload}, because " in note and why in note) if why else note == ""


UNCLEAR = ["missing.py", "plain.py", "net.py", "pipe.py", "folder.py", "long.py", "looped.py", "x" * 300 + ".py"]


@pytest.mark.parametrize("program", UNCLEAR)
def test_a_python_program_that_does_not_show_how_its_tasks_work_together(here: Path, program: str) -> None:
    os.mkfifo("pipe.py")  # opening it would wait for ever
    Path("folder.py").mkdir()
    Path("looped.py").symlink_to("looped.py")
    Path("long.py").write_text("import mpi4py\n" + "#" * infer.MOST_BYTES)
    for flags, words in (({"ntasks": "4"}, "--ntasks 4"), ({"nodes": "2", "ntasks": "1"}, "--nodes 2")):
        with pytest.raises(RequestError) as refused:
            found(program, **flags)
        assert len(refused.value.problems) == 1
        for word in (program[:20], words, "--workload mpi", "dask-mpi", "ray", "torchrun"):
            assert word in str(refused.value)
    assert found(program)[0] == "serial"


def test_the_program_is_looked_for_where_the_job_runs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sub").mkdir()
    Path("sub/deep.py").write_text("import mpi4py")
    assert found("deep.py", chdir="sub")[0] == "mpi" and found("deep.py")[0] == "serial"
    monkeypatch.setenv("HOME", str(here))
    assert found("~/ranks.py")[0] == "mpi"


def test_a_staged_program_is_read_where_it_is_staged_from(here: Path, capfd: Any) -> None:
    """Files and folders; hpcgen does not unpack archives."""
    Path("sub/code").mkdir(parents=True)
    Path("sub/code/deep.py").write_text("import mpi4py")
    assert found("$HPCGEN_STAGED/ranks.py", stage=["ranks.py"])[0] == "mpi"
    assert found("$HPCGEN_STAGED/code/deep.py", stage=["ranks.py", "sub/code/"])[0] == "mpi"
    assert found("$HPCGEN_STAGED/code/deep.py", stage=["code"], chdir="sub")[0] == "mpi"
    assert found("$HPCGEN_STAGED/ranks.py", stage=["code.tgz"])[0] == "serial"
    workload, note = found("$HPCGEN_STAGED/code/deep.py", stage=["sub/code.tar.gz"])
    assert workload == "serial" and "because $HPCGEN_STAGED/code/deep.py is in an archive, and the job has one task" in note
    with pytest.raises(RequestError, match=r"--workload: \$HPCGEN_STAGED/code/deep.py is in an archive, and --ntasks 4 asks"):
        found("$HPCGEN_STAGED/code/deep.py", stage=["sub/code.tar.gz"], ntasks="4")
    for stage, program in (("ranks.py", "ranks.py"), ("gone.py", "gone.py"), ("sub/code.tar.gz", "code/deep.py")):
        words = ["--site", "vaughan", "-A", "x", "--stage", stage, f"$HPCGEN_STAGED/{program}"]
        code, _, err = run(capfd, "slurm", *words)
        assert code == 0 and not [line for line in err if "$HPCGEN_STAGED" in line and "it must exist" in line]
    _, _, err = run(capfd, "slurm", "--site", "vaughan", "-A", "x", "--stage", "ranks.py", "$HPCGEN_STAGED/rank.py")
    assert [line for line in err if "$HPCGEN_STAGED/rank.py does not exist here; it must" in line]


def test_the_program_is_never_executed(here: Path) -> None:
    Path("evil.py").write_text("import dask\nopen('executed', 'w')\n")
    assert found("evil.py")[0] == "dask-mpi" and not Path("executed").exists()


def test_a_configuration_names_the_workload_and_its_options_do_not_show_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options in a configuration are for every job that can use them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(here))
    Path("hpcgen").mkdir()
    Path("hpcgen/config.toml").write_text("workers = 3\nhetjob = true\n")
    assert found("ranks.py")[0] == "mpi"
    Path("hpcgen/config.toml").write_text('workload = "ray"\n')
    assert found("ranks.py") == ("ray", "")
    Path("job.toml").write_text('program = "bag.py"\nworkload = "serial"\n')
    assert gather({"site": "vaughan"}, Path("job.toml"), of_job=True).asked.request.workload == "serial"
    Path("hpcgen/config.toml").unlink()
    Path("job.toml").write_text('program = "ranks.py"\nworkers = 3\n')
    assert gather({"site": "vaughan"}, Path("job.toml"), of_job=True).asked.request.workload == "dask-mpi"


def test_only_jobs_are_inferred(here: Path, capfd: Any) -> None:
    """Neither in Python nor for the commands that make no job."""
    assert gather({"site": "vaughan", "program": "ranks.py"}).asked.request.workload is None
    assert plan(load("vaughan"), Request(program="ranks.py", ntasks=4, account=Token("x"))).workload == "dask-mpi"
    for words in ("env --site vaughan --venv v", "container --site mahuika", "dask-jobqueue --site mahuika"):
        assert status(words.split()) == 0
        out, err = capfd.readouterr()
        assert "assuming" not in err and "--workload" not in out.partition("made by")[2].partition("\n")[0]


def run(capfd: Any, *words: str) -> Tuple[int, str, List[str]]:
    code = status(list(words))
    out, err = capfd.readouterr()
    return code, out, err.splitlines()


def test_the_script_says_what_was_inferred(here: Path, capfd: Any) -> None:
    code, out, err = run(capfd, "slurm", "--site", "vaughan", "-A", "x", "-n", "4", "ranks.py", "5")
    assert code == 0 and "srun" in out and "python ranks.py 5" in out
    made = next(line for line in out.splitlines() if "made by: " in line)
    assert made.endswith("made by: hpcgen slurm --site vaughan --workload mpi --account x --ntasks 4 ranks.py 5")
    assert [line for line in err if "assuming --workload mpi, because ranks.py imports mpi4py" in line]
    again = run(capfd, *made.partition("hpcgen ")[2].split())
    assert again[:2] == (code, out) and not [line for line in again[2] if "assuming --workload" in line]
    assert run(capfd, "slurm", "--site", "vaughan", "-A", "x", "./wrf.exe")[1].endswith("\n./wrf.exe\n")
    assert "assuming --workload mpi" in run(capfd, "cost", "--site", "vaughan", "-A", "x", "-n", "4", "ranks.py")[2][0]


def test_a_refusal_follows_the_note_that_explains_it(here: Path, capfd: Any) -> None:
    code, _, err = run(capfd, "slurm", "--site", "vaughan", "-A", "x", "--nproc-per-node", "4", "net.py")
    assert code == 2 and "assuming --workload serial" in err[0] and "--nproc-per-node" in err[-1]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("#!/bin/bash\n#SBATCH --nodes=2\n", "script"),
        ("#!/bin/sh\n\n# by me\n#PBS -l select=1\necho\n", "script"),
        ("#!/bin/bash\n#$ -cwd\n", "script"),
        ("#!/bin/bash\n#BSUB -n 4\n", "script"),
        ("#!/bin/bash\n# flux: -N1\n", "script"),
        ("#!/bin/bash\n#flux: -N1\n", "script"),
        ("#!/bin/bash\necho\n#SBATCH --nodes=2\n", "program"),
        ("#!/bin/bash\n# SBATCH --nodes=2\n", "program"),
        ("#!/usr/bin/env python\n#$Id: x.py $\n", "program"),
        ("import dask\n", "program"),
        ("", "program"),
    ],
)
def test_what_a_file_is(here: Path, text: str, kind: str) -> None:
    Path("file").write_text(text)
    assert infer.kind_of("file") == kind
    assert infer.kind_of("file.toml") == "request" and infer.kind_of("missing") == "program"
    for told in infer.KINDS:
        assert infer.kind_of("file", told) == told


def test_script_takes_a_request_a_program_and_no_batch_script(here: Path, capfd: Any) -> None:
    code, out, _ = run(capfd, "script", "--site", "gadi", "-A", "x", "--time", "2h", "ranks.py", "--time", "5")
    assert code == 0 and "#PBS" in out and out.rstrip().endswith("ranks.py --time 5") and "walltime=02:00:00" in out
    Path("job.toml").write_text('site = "vaughan"\naccount = "y"\nprogram = "bag.py"\nargs = ["1"]\n')
    code, out, _ = run(capfd, "script", "job.toml", "--time", "2h")
    assert code == 0 and "--time=02:00:00" in out and "bag.py 1" in out
    code, out, _ = run(capfd, "script", "-f", "job.toml", "ranks.py")
    assert code == 0 and "--account=y" in out and out.rstrip().endswith("python ranks.py")
    Path("job.sh").write_text("#!/bin/bash\n#SBATCH --nodes=2\n")
    code, out, err = run(capfd, "script", "--site", "vaughan", "-A", "x", "job.sh", "--time", "5")
    assert (code, out) == (2, "") and "cannot read batch scripts yet" in err[-1] and "--as program" in err[-1]
    code, out, _ = run(capfd, "script", "--site", "vaughan", "-A", "x", "--as", "program", "job.sh", "--time", "5")
    assert code == 0 and out.endswith("\njob.sh --time 5\n")
    Path("request").write_text(Path("job.toml").read_text())
    assert run(capfd, "script", "--as", "request", "request", "--time", "2h")[0] == 0


@pytest.mark.parametrize(
    ("words", "last"),
    [
        ("script --site vaughan", "FILE is missing"),
        ("script job.toml prog", "prog: unexpected argument after the request file job.toml"),
        ("script -f job.toml job.toml", "give only one"),
        ("script --as toml prog", "--as: unknown type 'toml': use request, script or program"),
        ("script missing.toml", "missing.toml: No such file"),
    ],
)
def test_script_refuses_in_one_line(here: Path, capfd: Any, words: str, last: str) -> None:
    Path("job.toml").write_text('site = "vaughan"\naccount = "y"\nprogram = "bag.py"\n')
    code, out, err = run(capfd, *words.split())
    assert (code, out, len(err)) == (2, "", 1) and last in err[0]
