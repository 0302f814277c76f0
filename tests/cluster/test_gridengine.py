"""Generated scripts on the real Grid Engine: MPI over two hosts, Dask-MPI on one, arrays, and what
`qsub -w v` says of the rest."""
from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import pytest

from hpcgen import plan, render
from hpcgen.profiles.load import decode
from hpcgen.request.layers import Layer, merge

from . import bed, checks, daskbed, examples, images, needs
from .shape import Module

PROGRAMS = Path(__file__).parent / "programs"
COMPLEXES = """\
gpu gpu INT <= YES JOB 0 0
mem mem MEMORY <= YES YES 0 0
tmpfs tmpfs MEMORY <= YES JOB 0 0
exclusive excl BOOL EXCL YES YES 0 1000
"""
SITE = {
    "name": "Grid", "operator": "tests", "country": "NZ", "status": "active",
    "sources": {"x": {"title": "test", "url": "https://x", "date": "2026-01-01"}},
    "scheduler": {"type": "sge", "source": "x"},
    "sge": {
        "memory": "mem",
        "pe_one": "smp",
        "pe_many": "mpi",
        "gpu": "gpu",
        "disk": "tmpfs",
        "exclusive": "exclusive",
        "source": "x",
    },
    "shell": {"shebang": "/bin/bash -le", "source": "x"},
    "modules": {"python": ["mpi/impi"], "source": "x"},
    "mpi": {"flavour": "intel", "launcher": "mpirun", "source": "x"},
    "nodes": {"node": {"cores": 8, "mem": "64G", "gpus": 4, "source": "x"}},
}  # fmt: skip


def script(at=SITE, **asked):
    job = plan(decode("grid", at, "grid.toml"), merge([Layer("flag", "command line", {"time": "10m", **asked}, strict=False)]))
    return render(job)


@pytest.fixture(scope="module")
def grid():
    needs.or_skip()
    modules = (*examples.GRID.modules, *(Module(kind, kind) for kind in daskbed.FLAVOURS))
    up = bed.Miniature(dataclasses.replace(examples.GRID, name="grid-scripts", modules=modules, folders=("/data",))).up()
    try:
        file = up.folder / "run" / "complexes"
        file.write_text(up.run(["qconf", "-sc"]).stdout + COMPLEXES)
        up.run(["qconf", "-Mc", str(file)], user="root")
        for host in ("node001", "node002"):
            up.run(
                ["qconf", "-mattr", "exechost", "complex_values", "gpu=4,mem=64G,tmpfs=1T,exclusive=true", host], user="root"
            )
        yield up
    finally:
        up.down()


def run(up, name, *programs, **asked):
    """The output of the job, when it has ended."""
    folder = up.workdir(name, *(PROGRAMS / program for program in programs))
    (folder / "job.sh").write_text(script(**asked))
    up.give(folder)
    up.run(["qsub", "-sync", "y", "job.sh"], cwd=str(folder), seconds=180)
    return folder


def ranks(text):
    return [json.loads(line) for line in re.findall(r"facts (\{.*)", text)]


def test_mpi_over_two_hosts(grid):
    args = ["a b", "$HOME", "*", "it's", ":", ""]
    folder = run(
        grid,
        "mpi",
        "mpi_program.py",
        "facts.py",
        workload="mpi",
        ntasks=10,
        program="mpi_program.py",
        args=args,
        output="out.%j",
    )
    (out,) = folder.glob("out.*")
    found = ranks(out.read_text())
    assert sorted(one["rank"] for one in found) == list(range(10)) and {one["size"] for one in found} == {10}
    assert {one["host"] for one in found} == {"node001", "node002"}
    assert all(one["argv"][1:] == args and one["total"] == 45 and one["modules"] == ["mpi/impi"] for one in found)


# The wheel of Open MPI was built without what asks Grid Engine for the hosts: a list of them, and qrsh in the place of ssh.
# Without qrsh's -V the script's variables are not there on the second host, unless mpirun hands them on.
HANDED = ["--hostfile", "hosts", "--prtemca", "plm_ssh_agent", "qrsh -inherit -nostdin"]


@pytest.mark.parametrize("kind", daskbed.FLAVOURS)
def test_ranks_in_an_image(grid, kind):
    """By the host's mpirun, with what is bound, and the status of a rank that fails."""
    mpi = {
        "flavour": daskbed.FLAVOURS[kind],
        "launcher": "mpirun",
        "options": HANDED if kind == "openmpi" else [],
        "source": "x",
    }
    at = {**SITE, "mpi": mpi, "modules": {"python": [kind], "source": "x"}}
    folder = grid.workdir(f"image-{kind}", PROGRAMS / "image_program.py")
    asked = {
        "workload": "mpi",
        "program": "image_program.py",
        "ntasks": 4,
        "image": "my.sif",
        "bind": ("/data",),
        "env": {"BOUND": "/data"},
    }
    text = script(at, **asked, args=["exit", "3"], output="out.txt")
    assert text.count("\nset -e\n") == 1
    (folder / "job.sh").write_text(text.replace("\nset -e\n", "\nset -e\ntrap 'echo status $?' EXIT\n"))
    (folder / "hosts").write_text("node001 slots=2\nnode002 slots=2\n")
    (folder / "my.sif").symlink_to(images.of(kind))
    (grid.disk("/data") / "there").write_text("")
    grid.give(folder)
    grid.run(["qsub", "-sync", "y", "job.sh"], cwd=str(folder), check=False, seconds=180)  # whose own status is 0 now and then
    text = (folder / "out.txt").read_text()
    found = checks.reports(text)
    hosts = ["node001", "node001", "node002", "node002"]
    assert [(one["rank"], one["size"], one["host"]) for one in found] == [(rank, 4, host) for rank, host in enumerate(hosts)], (
        text
    )
    for one in found:
        assert (
            one["omp"] == {"OMP_NUM_THREADS": "1"}
            and one["folders"] == {"BOUND": ["there"]}
            and one["image"].endswith("/my.sif")
        )
    assert text.endswith("status 3\n"), text


def test_dask_mpi_on_one(grid):
    folder = run(grid, "dask", workers=2, cpus_per_worker=2, job_name="check", output="out.txt")
    text = (folder / "out.txt").read_text()
    assert "Dask result: 5" in text and len(re.findall(r"(?m)^worker node00\d .* 2 threads \d+ MiB$", text)) == 2, text


def test_flattened_dask_mpi(grid):
    folder = run(grid, "flat", workers=2, cpus_per_worker=2, hetjob=True, flatten=True, output="out.txt")
    assert "Dask result: 5" in (folder / "out.txt").read_text()


def test_array(grid):
    folder = run(grid, "array", "serial_program.py", "facts.py", workload="serial", program="serial_program.py",
                 array="1-5:2%1", cpus_per_task=2, output="%x.%a.log")  # fmt: skip
    assert sorted(path.name for path in folder.glob("*.log")) == [f"serial_program.{i}.log" for i in (1, 3, 5)]


def test_a_file_that_is_not_found_fails_the_job(grid):
    """``-e`` of the first line holds, though the queue's shell would start the script by another."""
    folder = grid.workdir("fails")
    (folder / "job.sh").write_text(script(workload="serial", program="./not-there", chdir=str(folder)))
    grid.give(folder)
    assert grid.run(["qsub", "-sync", "y", "job.sh"], cwd=str(folder), check=False).returncode not in (0, 1)


OPTIONS = [
    {"workload": "serial", "gpus": "2", "tmp": "100G", "mem": "12G", "cpus_per_task": 4},
    {
        "workload": "mpi",
        "ntasks": 16,
        "mail_type": "END,FAIL",
        "mail_user": "me@example.org",
        "error": "err.%j",
        "export": "A=b,PATH",
    },
    {"workload": "mpi", "ntasks": 8, "nodes": 1, "cpus_per_task": 1, "exclusive": True, "signal": "USR1@60", "comment": None},
    {"workload": "serial", "nodelist": "node002", "requeue": True, "job_name": "a.b-c", "export": "ALL"},
    {"workload": "mpi", "ntasks": 4, "exclude": "node001", "array": "1-9:2%3", "requeue": False, "chdir": "/tmp"},
    {"workload": "mpi", "ntasks": 3, "partition": "all.q", "directive": ("-p -5",), "resource": {"arch": "*"}},
]


@pytest.mark.parametrize("asked", OPTIONS, ids=lambda asked: next(name for name in reversed(asked)))
def test_what_qsub_says(grid, asked):
    folder = grid.workdir("verify")
    (folder / "job.sh").write_text(script(program="x.py", **asked))
    grid.give(folder)
    said = grid.run(["qsub", "-w", "v", "job.sh"], cwd=str(folder), check=False)
    assert said.returncode == 0 and "found suitable queue" in said.stdout, said.stdout + said.stderr


def test_submit(grid):
    """The id, and the parts of the request as the master holds them."""
    folder = grid.workdir("submit")
    (folder / "sites").mkdir()
    tables = {"sources.x": SITE["sources"]["x"], **{name: SITE[name] for name in ("scheduler", "sge", "mpi", "modules")}}
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    ]
    head = "".join(f"{key} = {json.dumps(SITE[key])}\n" for key in ("name", "operator", "country", "status"))
    (folder / "sites" / "grid.toml").write_text(head + "".join(lines).replace('"2026-01-01"', "2026-01-01"))
    grid.give(folder)
    env = {"HPCGEN_PATH": str(folder), "PYTHONPATH": str(bed.CHECKOUT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    call = [
        sys.executable,
        "-m",
        "hpcgen",
        "submit",
        "--site",
        "grid",
        "--workload",
        "mpi",
        "--ntasks",
        "3",
        "--time",
        "5m",
        "--mem-per-cpu",
        "512M",
    ]
    first = grid.run([*call, "--dependency", "afterany:1", "x.py"], cwd=str(folder), env=env)
    number = first.stdout.strip()
    assert number.isdecimal()
    held = grid.run(["qstat", "-j", number], check=False).stdout
    assert re.search(r"parallel environment: +mpi range: 3", held) and "h_rt=300,mem=512M" in held.replace(
        "h_rt=0:5:0", "h_rt=300"
    ), held
    checked = grid.run([*call, "--test-only", "--force", "x.py"], cwd=str(folder), env=env)
    assert "found suitable queue" in checked.stdout
