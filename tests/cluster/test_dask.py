"""Dask's launcher on real Slurm: every rank gets what was asked for, each fault has one line, and the end is clean."""
from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import needs

needs.or_skip()

from hpcgen import load  # noqa: E402

from . import bed, daskbed, mpi, slurm  # noqa: E402
from .daskbed import HET, PLAIN, PMI, Done, script, site  # noqa: E402
from .examples import names  # noqa: E402
from .patience import allowed  # noqa: E402

IB0 = "10.202.0."
LIMIT = 12288 - 614  # of 3 GiB for each of 4 CPUs, less the twentieth that Dask is not told of
OTHER = {"pmi2": "pmix", "pmix": "pmi2"}


@pytest.fixture(scope="module")
def up() -> Iterator[bed.Miniature]:
    one = bed.Miniature(daskbed.SHAPE).up()
    yield one
    one.down()


def report(up: bed.Miniature, name: str, kind: str, *args: str, **request: Any) -> Done:
    return daskbed.run(up, name, script(site(kind), program="dask_report.py", args=list(args), **request))


def as_asked(done: Done, threads: int = 4, omp: int = 1, net: str = IB0) -> None:
    assert done.status == 0 and "result 55" in done.output, done.output
    assert [(t, mib, o) for t, mib, _, o in done.workers()] == [(threads, LIMIT, str(omp))] * 3, done.output
    assert all(address.startswith(net) for _, _, address, _ in done.workers())
    assert "Traceback" not in done.output and "srun: error" not in done.output
    if (done.place / "ended").exists():
        assert done.ended_after() < allowed(5)


def one_line(done: Done, *words: str, seconds: float = 15) -> None:
    """One line of ours, whatever the number of ranks, with the cause and the cure; and soon."""
    lines = [line for line in done.output.splitlines() if line.startswith("hpcgen: ")]
    assert len(lines) == 1 and all(word in lines[0] for word in words), done.output
    assert done.status not in (0, 15) and "Traceback" not in done.output
    assert done.job.seconds < allowed(seconds)


@pytest.mark.parametrize("request_", [HET, PLAIN], ids=["het", "hom"])
@pytest.mark.parametrize("kind", PMI)
def test_every_rank_has_its_own_component(up: bed.Miniature, kind: str, request_: dict[str, Any]) -> None:
    as_asked(report(up, f"asked-{kind}-{len(request_)}", kind, **request_))


@pytest.mark.parametrize("request_", [HET, PLAIN], ids=["het", "hom"])
def test_the_same_in_a_container(up: bed.Miniature, request_: dict[str, Any]) -> None:
    as_asked(report(up, f"image-{len(request_)}", "impi", image="my.sif", **request_))


def test_one_task_with_many_threads(up: bed.Miniature) -> None:
    as_asked(report(up, "threads", "impi", threads_per_worker=1, **HET), threads=1, omp=4)


def test_without_mpi(up: bed.Miniature) -> None:
    as_asked(report(up, "slurm", "impi", runner="slurm", **HET))
    assert not list((up.home / "slurm").glob(".dask-*"))


@pytest.mark.parametrize("kind, asked", [("impi", {}), ("mpich", {"kill_on_bad_exit": True})], ids=["impi", "mpich"])
def test_hosts_in_another_order_than_their_names(up: bed.Miniature, kind: str, asked: dict[str, Any]) -> None:
    """Where MPI_Init would never come back under Slurm's PMI-2: test_negative.py has the plain program."""
    first, *others = names(daskbed.SHAPE.hosts)
    program = "from mpi4py import MPI\n" + (daskbed.PROGRAMS / "dask_report.py").read_text()
    text = script(site(kind), program="prog.py", nodelist=first, **HET, **asked)
    asks = f"#SBATCH --nodelist={first}\n"
    assert text.count(asks) == 1
    small, workers = text.split("#SBATCH hetjob\n")
    done = daskbed.run(up, f"order-{kind}", f"{small}#SBATCH --nodelist={others[-1]}\n#SBATCH hetjob\n{workers}", program)
    as_asked(done)
    assert [up.hosts_of(record["NodeList"]) for record in done.job.records] == [[others[-1]], [first]]
    (said,) = [line for line in done.output.splitlines() if "not in the order of their names" in line]
    assert said.startswith("hpcgen: ") and not list(done.place.glob(".dask-*"))


def test_on_one_node(up: bed.Miniature) -> None:
    as_asked(report(up, "local", "impi", runner="local", **PLAIN), net="127.0.0.1")


def test_a_nanny_hands_the_threads_on(up: bed.Miniature) -> None:
    done = report(up, "nanny", "impi", worker_class="distributed.Nanny", threads_per_worker=2, **HET)
    as_asked(done, threads=2, omp=2)


def test_the_programs_own_arguments_win(up: bed.Miniature) -> None:
    """As the pages have it: initialize() first, with arguments; a Client after that."""
    program = (
        (daskbed.PROGRAMS / "dask_report.py")
        .read_text()
        .replace(
            'if __name__ == "__main__":\n',
            'if __name__ == "__main__":\n    from dask_mpi import initialize\n\n    initialize("eth0", nthreads=3)\n',
        )
    )
    text = script(site("impi"), program="prog.py", **HET)
    done = daskbed.run(up, "own", text, program)
    assert [(t, mib, a.startswith(IB0)) for t, mib, a, _ in done.workers()] == [(3, LIMIT, False)] * 3, done.output


@pytest.mark.parametrize("how, status", [("3", 3), ("raise", 1), ("signal", 143), ("farewell", 1)])
def test_the_programs_status_is_the_jobs(up: bed.Miniature, how: str, status: int) -> None:
    done = report(up, f"status-{how}", "impi", how, **HET)
    assert done.status == status and "result 55" in done.output
    assert done.output.count("Traceback") == (how == "raise")
    assert ('/dask_report.py", line' in done.output) == (how == "raise") and "exec(" not in done.output
    assert ("farewell" in done.output) == (how == "farewell")
    assert done.ended_after() < allowed(5)


# --- preflight

FAULTS = [
    # Intel MPI with Slurm's library: aborts in MPI_Init if nothing is done
    ("impi", "--mpi=none", ["srun did not start the PMI of Intel", "--mpi=pmi2"]),
    ("impi", "--mpi=pmix", ["srun did not start the PMI of Intel", "--mpi=pmi2"]),
    ("mpich", "--mpi=none", ["srun did not start the PMI of MPICH", "--mpi=pmi2"]),
    ("mpich", "--mpi=pmix", ["srun did not start the PMI of MPICH", "--mpi=pmi2"]),
    ("openmpi", "--mpi=none", ["srun did not start the PMI of Open MPI", "--mpi=pmix"]),
    ("openmpi", "--mpi=pmi2", ["srun did not start the PMI of Open MPI", "--mpi=pmix"]),
]


@pytest.mark.parametrize("kind, wrong, words", FAULTS, ids=[f"{kind}{wrong}" for kind, wrong, _ in FAULTS])
def test_pmi_of_the_wrong_kind(up: bed.Miniature, kind: str, wrong: str, words: list[str]) -> None:
    text = script(site(kind), program="dask_report.py", **HET).replace(f"--mpi={PMI[kind]}", wrong)
    one_line(daskbed.run(up, f"pmi-{kind}{wrong}", text), *words)


def test_pmi_library_of_the_wrong_kind(up: bed.Miniature) -> None:
    libm = "/lib/x86_64-linux-gnu/libm.so.6"
    one_line(report(up, "library", "impi", env={"I_MPI_PMI_LIBRARY": libm}, **HET), libm, "libpmi2.so")


def test_every_rank_alone(up: bed.Miniature) -> None:
    """Without the library Intel MPI starts each rank by itself, and every one would be a scheduler."""
    text = script(site("impi"), program="dask_report.py", **HET).replace("export I_MPI_PMI", "unset I_MPI_PMI_LIBRARY #")
    one_line(daskbed.run(up, "alone", text.replace("--mpi=pmi2", "--mpi=none")), "srun did not start the PMI of Intel")


def test_another_mpi_than_the_sites(up: bed.Miniature) -> None:
    one_line(report(up, "flavour", "impi", module=["mpich"], **HET), "mpi4py uses MPICH", "not Intel")


def test_an_interface_that_is_not_there(up: bed.Miniature) -> None:
    one_line(report(up, "ib9", "impi", interface="ib9", **HET), "no interface ib9", "lo or eth0 or ib0")
    fallen = site("impi", network={"interface": "ib9", "fallback": ["ib0", "eth0"], "source": "x"})
    as_asked(daskbed.run(up, "fallback", script(fallen, program="dask_report.py", **HET)))


def test_another_distributed_on_one_host(up: bed.Miniature) -> None:
    """Hosts whose Pythons differ, as after an upgrade of half of a cluster."""
    text = script(site("impi"), program="dask_report.py", python="./python", **HET)
    place = daskbed.folder(up, "versions", text)
    (place / "python").write_text(f'#!/bin/bash\n[ "$(hostname)" = n001 ] || export PYTHONPATH={mpi.OLDER}\nexec python "$@"\n')
    (place / "python").chmod(0o755)
    done = Done(slurm.run(up, "job.sh", cwd=str(place)), place)
    one_line(done, "n002: ", f"distributed {mpi.OLDER_VERSION}", "on n001: use the same Python")


def test_a_program_that_is_not_there(up: bed.Miniature) -> None:
    text = script(site("impi"), program="missing.py", **HET)
    one_line(daskbed.run(up, "program", text), "no program missing.py in")
    text = script(site("impi"), program="dask_report.py", image="absent.sif", **HET)
    one_line(daskbed.run(up, "image", text), "there is no image absent.sif")


def test_a_lost_rank(up: bed.Miniature) -> None:
    text = script(site("impi"), program="dask_report.py", **PLAIN).replace('"ranks": 5', '"ranks": 6')
    one_line(daskbed.run(up, "ranks", text), "5 ranks were started, not 6")


# --- the dead

def struck(up: bed.Miniature, name: str, text: str, whom: int) -> tuple[Done, float]:
    """A job of which one process is killed in mid-computation: 0 the scheduler's, 1 the program's, from 2 on a worker's."""
    place = daskbed.folder(up, name, text)
    job = slurm.submit(up, "job.sh", cwd=str(place))
    daskbed.until(lambda: (place / "started").exists(), 60)
    host, pid = (place / "started").read_text().splitlines()[whom].split()
    time.sleep(0.5)
    up.run(["kill", "-9", pid], host=host)
    begin = time.monotonic()
    (place / "struck").touch()  # the computation goes on
    records = slurm.wait(up, job, 90)
    return Done(slurm.Job(up, job, records, 0), place), time.monotonic() - begin


@pytest.mark.parametrize("kind, runner", [("impi", "mpi"), ("mpich", "mpi"), ("openmpi", "mpi"), ("impi", "slurm")])
def test_without_one_worker(up: bed.Miniature, kind: str, runner: str) -> None:
    """The site has KillOnBadExit=1; the others go on all the same, and the answer is right."""
    done, _ = struck(up, f"worker-{kind}-{runner}", script(site(kind), program="dask_long.py", runner=runner, **PLAIN), 2)
    assert done.status == 0 and "sum 1770" in done.output, done.output
    assert "a worker, has died: the job continues" in done.output


@pytest.mark.parametrize("kind, whom", [("impi", 0), ("impi", 1), ("openmpi", 0), ("mpich", 1)])
def test_without_the_scheduler_or_the_program(up: bed.Miniature, kind: str, whom: int) -> None:
    done, seconds = struck(up, f"struck-{kind}-{whom}", script(site(kind), program="dask_long.py", **PLAIN), whom)
    assert done.status != 0 and seconds < allowed(60)
    assert f"rank {whom}" in done.output and "has died" in done.output


@pytest.mark.parametrize("place", mpi.old_pythons(), ids=os.path.basename)
def test_dask_of_old_modules(tmp_path: Path, place: str) -> None:
    """dask-mpi 2022.4 with Dask of that month, by mpiexec on this machine: the page's example, and the status."""
    page = (
        (daskbed.PROGRAMS / "dask_sum.py").read_text().replace("as client:\n", "as client:\n    client.wait_for_workers(2)\n")
    )
    (tmp_path / "prog.py").write_text(page + "raise SystemExit(3)\n")
    text = script(load("local"), program="prog.py", workers=2, cpus_per_worker=2, venv=place)
    done = subprocess.run(["bash", "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3 and "Dask result: 5" in done.stdout, done.stderr
    assert done.stdout.count(", 2, 2013265920)") == 2 and "Traceback" not in done.stderr


@pytest.mark.parametrize("kind, goes_on", [("openmpi", True), ("mpich", False), ("impi", False)])
def test_without_one_worker_under_mpiexec(tmp_path: Path, kind: str, goes_on: bool) -> None:
    """On this machine: Hydra ends all with the first that dies, and Open MPI does not know of it. Nothing hangs."""
    program = (daskbed.PROGRAMS / "dask_long.py").read_text().replace("wait_for_workers(3", "wait_for_workers(2")
    strike = (
        '        os.kill(int(Path("started").read_text().split()[5]), 9)\n        Path("struck").touch()\n        print("sum"'
    )
    (tmp_path / "prog.py").write_text(program.replace('        print("sum"', strike))
    place = mpi.venv("", kind)
    own = {
        "OPAL_PREFIX": str(place),
        "PMIX_PREFIX": str(place),
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    environ = {**os.environ, "PATH": f"{place}/bin:/usr/bin:/bin", **(own if kind == "openmpi" else {})}
    text = script(load("local"), program="prog.py", workers=2, cpus_per_worker=2)
    done = subprocess.run(["bash", "-c", text], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)
    assert ("sum 1770" in done.stdout) == (done.returncode == 0) == goes_on, done.stderr


def test_asked_to_end_with_the_first(up: bed.Miniature) -> None:
    done, seconds = struck(up, "kill-on", script(site("impi"), program="dask_long.py", kill_on_bad_exit=True, **PLAIN), 2)
    assert done.status != 0 and seconds < allowed(60) and "sum" not in done.output


def test_a_warning_before_the_time_limit(up: bed.Miniature) -> None:
    """As docs/dask.md has it: the signal reaches every rank, and only the program's acts on it."""
    example = Path(__file__).parents[2] / "examples/checkpoint.py"
    text = script(site("impi"), program="prog.py", signal="USR1@60", **{**PLAIN, "time": "1"})
    done = daskbed.run(up, "warning", text, example.read_text())
    assert done.status == 0 and "saved" in done.output, done.output


@pytest.mark.parametrize(
    "name", sorted(p.name for p in (Path(__file__).parents[2] / "examples").glob("*.py") if p.name != "checkpoint.py")
)
@pytest.mark.parametrize("image", [None, "my.sif"], ids=["plain", "container"])
def test_examples(up: bed.Miniature, name: str, image: str | None) -> None:
    program = Path(__file__).parents[2] / "examples" / name
    workload = (
        {"workload": "mpi", "ntasks": 4, "time": "5"} if "mpi4py" in program.read_text() else {**PLAIN, "mem_per_cpu": "1G"}
    )
    request = {**workload, "program": "prog.py", **({"image": image} if image else {})}
    done = daskbed.run(up, f"example-{name}-{image}", script(site("impi"), **request), program.read_text())
    assert done.status == 0 and "Traceback" not in done.output, done.output
