"""The launcher that scripts carry, run for real: programs behave as if Python had started them, and their end is the job's.

With MPICH's mpiexec and three or four ranks on this machine; tests/cluster has the other MPIs, and Slurm.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

import pytest
from cluster import mpi

from hpcgen import __version__
from hpcgen.dask.program import read_command_line
from hpcgen.script import embed
from hpcgen.workloads.dask_mpi import PARTS

if not mpi.ready("", "mpich"):
    needed = "no environment with Dask and mpich: run tests/cluster/install as root"
    if os.environ.get("CI") == "true":
        pytest.fail(needed, pytrace=False)
    pytest.skip(needed, allow_module_level=True)

SOURCE = Path(embed.__file__).parents[2]
VENV = mpi.venv("", "mpich")
TOLD: Dict[str, Any] = {"mpi": "MPICH", "ranks": 3, "interfaces": ["lo"], "dask": {"nthreads": 1, "memory_limit": "300MiB"}}


class Done(NamedTuple):
    status: int
    out: str
    err: str
    seconds: float


def launch(
    folder: Path, program: Optional[str], *args: str, told: Optional[Dict[str, Any]] = None, runner: str = "mpi",
    name: str = "program.py", ranks: int = 3, module: bool = False, env: Optional[Dict[str, str]] = None,
) -> Done:  # fmt: skip
    """The program as a script's launch line starts it, in its folder; with `module`, by ``python -m hpcgen.dask``."""
    if program is not None:
        (folder / name).write_text(textwrap.dedent(program))
    told = {**TOLD, "ranks": ranks} if told is None else told
    start = ["-m", "hpcgen.dask"] if module else ["-c", embed.carried("dask", ("program", *PARTS[runner]))]
    command = [f"{VENV}/bin/python", *start, json.dumps(told, separators=(",", ":")), name, *args]
    if runner == "mpi":
        command = [f"{VENV}/bin/mpiexec", "-n", str(ranks), *command]
    return done(command, folder, {"PYTHONPATH": str(SOURCE)} if module else {}, env or {})


def done(command: List[str], folder: Path, *env: Dict[str, str]) -> Done:
    environ = {"PATH": f"{VENV}/bin:/usr/bin:/bin", "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    for more in env:
        environ.update(more)
    began = time.monotonic()
    ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100)
    return Done(ran.returncode, ran.stdout, ran.stderr, time.monotonic() - began)


def quiet(ran: Done, status: int = 0) -> None:
    """The status, and nothing said but the launcher's own lines."""
    assert ran.status == status, ran
    assert "Traceback" not in ran.out + ran.err, ran.err
    assert [line for line in own(ran) if line.strip()] == []


HELPER = "def twice(x):\n    return 2 * x\n"
WHOLE = """
    import atexit, json, multiprocessing, os, sys
    from concurrent.futures import ProcessPoolExecutor

    from distributed import Client

    import helper


    class Own:
        def __init__(self, x):
            self.x = x


    def double(x):
        return Own(helper.twice(x))


    def cube(x):
        return x**3


    def seen(dask_worker):
        limit = dask_worker.memory_manager.memory_limit // 2**20
        threads = [os.environ.get(f"{name}_NUM_THREADS") for name in ("OMP", "MKL", "OPENBLAS")]
        return dask_worker.state.nthreads, limit, dask_worker.address.split(":")[1], threads


    if __name__ == "__main__":
        client = Client()
        atexit.register(lambda: print("late", client.submit(cube, 2).result(), flush=True))
        client.wait_for_workers(2, timeout=60)
        workers = list(client.run(seen).values())
        futures = client.map(double, range(3))
        mapped = [one.x for one in client.gather(futures)]
        own = all(isinstance(one, Own) for one in client.gather(futures))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            spawned = pool.map(cube, [1, 2])
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
            pooled = list(pool.map(cube, [3]))
        with ProcessPoolExecutor(1) as pool:
            pooled += pool.map(cube, [4])
        print(json.dumps([workers, mapped, own, spawned, pooled, sys.argv[1:]]), flush=True)
"""


def test_a_whole_program(tmp_path: Path) -> None:
    """Functions and classes of __main__, a module beside it, processes of its own, and what still computes at its exit."""
    (tmp_path / "helper.py").write_text(HELPER)
    told = {**TOLD, "ranks": 4, "login": "-J lander login.example.org"}
    told["dask"] = {"nthreads": 3, "memory_limit": "300MiB"}
    ran = launch(tmp_path, WHOLE, "a b", "", "*", "é", told=told, ranks=4)
    quiet(ran)
    first, last = ran.out.splitlines()
    workers, mapped, own, spawned, pooled, argv = json.loads(first)
    assert workers == [[3, 300, "//127.0.0.1", ["1", "1", "1"]]] * 2
    assert (mapped, own, spawned, pooled, argv) == ([0, 2, 4], True, [1, 8], [27, 64], ["a b", "", "*", "é"])
    assert last == "late 8"
    assert re.search(r"hpcgen: scheduler tcp://127.0.0.1:\d+", ran.err) and ran.err.count("scheduler tcp://") == 1
    if found := re.search(r"dashboard http://([\w.-]+:(\d+))/status", ran.err):  # there is none without bokeh
        assert f"ssh -N -L {found[2]}:{found[1]} -J lander login.example.org" in ran.err


PLACE = """
    import os, sys

    print([sys.argv, __name__, __file__, sys.path[0]], __doc__, __spec__, __package__)
    print(sys.modules["__main__"].__dict__ is globals())
    print("-c" in sys.argv, "" in sys.path, sys.stdin is not None, "intercept" in globals(), "HOST" in globals())
"""


@pytest.mark.parametrize("where", ["program.py", "sub/../sub/program.py", "absolute"])
def test_a_program_sees_itself_as_if_started_directly(tmp_path: Path, where: str) -> None:
    """No Dask in it at all: the ranks wait for nobody then."""
    (tmp_path / "sub").mkdir()
    name = str(tmp_path / "program.py") if where == "absolute" else where
    ran = launch(tmp_path, PLACE, "-c", "--x=:", name=name, module=where == "absolute")
    quiet(ran)
    direct = done([f"{VENV}/bin/python", name, "-c", "--x=:"], tmp_path)
    assert ran.out == direct.out and direct.status == 0


CLIENT = "from distributed import Client\nclient = Client()\nprint('sum', client.submit(sum, [1, 2]).result(), flush=True)\n"


@pytest.mark.parametrize(
    ("end", "status", "says"),
    [
        ("import sys; sys.exit(3)", 3, []),
        ("import sys; sys.exit('a word at the end')", 1, ["a word at the end"]),
        ("raise SystemExit", 0, []),
        ("import os; client.close(); os._exit(5)", None, None),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", None, None),
    ],
    ids=["exit3", "exit-text", "exit-none", "os-exit", "killed"],
)
def test_the_programs_end_is_the_jobs(tmp_path: Path, end: str, status: Optional[int], says: Optional[List[str]]) -> None:
    kept = tmp_path / "status"
    ran = launch(tmp_path, CLIENT + end, env={"HPCGEN_STATUS": str(kept)})
    assert ran.out.startswith("sum 3\n"), ran
    assert "Traceback" not in ran.err
    assert ran.status == status if status is not None else ran.status != 0, ran
    if says is not None:
        assert own(ran) == says
        assert kept.read_text() == f"{status}\n"


FAILING = """
    import sys

    if sys.argv[1:] != ["direct"]:
        from distributed import Client

        client = Client()


    def worse(x):
        return 1 // x


    try:
        worse(0)
    except ZeroDivisionError as why:
        raise ValueError("worse") from why
"""


def test_an_exception_shows_the_programs_own_frames(tmp_path: Path) -> None:
    """To the letter what Python itself would have shown."""
    ran = launch(tmp_path, FAILING)
    direct = done([f"{VENV}/bin/python", "program.py", "direct"], tmp_path)
    assert own(ran) == direct.err.splitlines() and direct.err.count("Traceback") == 2
    assert ran.status == direct.status == 1


def own(ran: Done) -> List[str]:
    """The program's part of what was said."""
    return [line for line in ran.err.splitlines() if not line.startswith("hpcgen: ")]


def test_a_program_that_is_no_python(tmp_path: Path) -> None:
    """As Python itself says it, without a frame of the launcher's."""
    ran = launch(tmp_path, "x = = 1\n")
    direct = done([f"{VENV}/bin/python", "program.py"], tmp_path)
    assert own(ran) == direct.err.splitlines() and ran.status == direct.status == 1


SEEDS = """
    import sys

    from dask_mpi import initialize

    import helper

    initialize(nthreads=2, memory_limit="200MiB", {more})

    from distributed import Client


    def add(x, y):
        return helper.twice(x) + y


    with Client() as client:
        client.wait_for_workers(1, timeout=60)
        (worker,) = client.scheduler_info()["workers"].values()
        print(worker["nthreads"], worker["memory_limit"] // 2**20, client.submit(add, 1, 2).result(), flush=True)
"""


@pytest.mark.parametrize("module", [True, False])
def test_a_programs_own_initialize_wins(tmp_path: Path, module: bool) -> None:
    """Also where the program has the name of the module that it imports it from."""
    (tmp_path / "helper.py").write_text(HELPER)
    more = 'worker_class="distributed.Nanny"' if module else "nanny=False"
    ran = launch(tmp_path, SEEDS.format(more=more), name="dask_mpi.py", module=module)
    # a nanny's child leaves semaphores behind, which Python tells of unless the script says that it need not
    quiet(ran._replace(err="".join(line for line in ran.err.splitlines(True) if "warn" not in line.lower())))
    assert ran.out == "2 200 4\n"


def test_a_worker_class_of_ones_own(tmp_path: Path) -> None:
    """From a module beside the program, or from within a package: neither is the name of what is installed."""
    (tmp_path / "mine.py").write_text("from distributed import Worker\n\n\nclass Mine(Worker):\n    pass\n")
    program = CLIENT + "print(set(client.run(lambda dask_worker: type(dask_worker).__name__).values()))"
    for name, shown in (("distributed.worker.Worker", "Worker"), ("mine.Mine", "Mine")):
        ran = launch(tmp_path, program, told={**TOLD, "dask": {"nthreads": 1, "worker_class": name}})
        assert ran.out.splitlines()[-1:] == [str({shown})], (name, ran)


@pytest.mark.parametrize("started", ["carried", "module"])
def test_what_is_missing_is_said_once(tmp_path: Path, started: str) -> None:
    """Before any Dask, in one line for all ranks, with the cure where there is one; and the job fails."""
    module = started == "module"
    nowhere = {**TOLD, "interfaces": ["ib7", "hsn7"]}
    for told, name, words in (
        (TOLD, "missing.py", ["missing.py", str(tmp_path)]),
        ({**TOLD, "ranks": 9}, "program.py", ["3 ranks were started, not 9"]),
        (nowhere, "program.py", ["ib7 or hsn7", "--interface", "lo"]),
        ({**TOLD, "mpi": "Open MPI"}, "program.py", ["MPICH", "Open MPI"]),
        ({**TOLD, "needs": ["dask_cuda"]}, "program.py", ["dask_cuda"]),
    ):
        (tmp_path / "program.py").write_text(CLIENT)
        ran = launch(tmp_path, None, told=told, name=name, module=module)
        # mpiexec ends the others when the first has ended, tells so, and its status is then theirs
        assert ran.status != 0 and ran.seconds < 15 and "sum" not in ran.out, (words, ran)
        lines = [line for line in ran.err.splitlines() if line.startswith("hpcgen: ")]
        assert len(lines) == 1 and all(word in lines[0] for word in words), (words, ran.err)
        assert "Traceback" not in ran.err
        if module:
            break


@pytest.mark.parametrize(
    "words, config, argv",
    [
        (["x.py", "--", "{}"], {}, ["x.py", "--", "{}"]),
        (['{"ranks": 3}', "x.py"], {"ranks": 3}, ["x.py"]),
        (['{"ranks": 3, "mpi": "MPICH"}', '{"ranks": 4}', "--", "{}", "a"], {"ranks": 4, "mpi": "MPICH"}, ["{}", "a"]),
        (['{"argv": ["y.py"]}', "--", "x.py"], {"argv": ["y.py"]}, ["y.py"]),
        (["--", "--", "x.py"], {}, ["--", "x.py"]),
        (["{}"], {}, []),
    ],
)
def test_the_command_line(words: List[str], config: Dict[str, Any], argv: List[str]) -> None:
    assert read_command_line(words) == (config, argv)


@pytest.mark.parametrize("module", [False, True])
def test_json_in_parts(tmp_path: Path, module: bool) -> None:
    """What all ranks share, then what a component adds, then the program."""
    (tmp_path / "program.py").write_text(textwrap.dedent(UNGUARDED))
    start = ["-m", "hpcgen.dask"] if module else ["-c", embed.carried("dask", ("program", *PARTS["local"]))]
    shared, own = {"runner": "local", "workers": 2}, {"dask": {"nthreads": 2, "memory_limit": "200MiB"}}
    command = [f"{VENV}/bin/python", *start, json.dumps(shared), json.dumps(own), "--", "program.py", "a"]
    ran = done(command, tmp_path, {"PYTHONPATH": str(SOURCE)} if module else {})
    quiet(ran, 4)
    assert ran.out == "[(2, 200), (2, 200)] 2 ['program.py', 'a']\n"


def test_no_program(tmp_path: Path) -> None:
    ran = launch(tmp_path, None, told={**TOLD, "argv": []})
    assert ran.status != 0 and ran.err.count("hpcgen: PROGRAM is missing") == ran.err.count("hpcgen: ") == 1, ran


def test_the_first_interface_that_is_there(tmp_path: Path) -> None:
    quiet(launch(tmp_path, CLIENT, told={**TOLD, "interfaces": ["ib7", "lo"]}))


def test_two_ranks_are_too_few_and_one_is_alone(tmp_path: Path) -> None:
    for ranks, words in ((2, "2 ranks were started, not 3"), (1, "alone")):
        ran = launch(tmp_path, CLIENT, told={}, ranks=ranks)
        assert ran.status != 0 and words in ran.err and ran.err.count("hpcgen: ") == 1, ran


DIES = """
    import os, signal, time

    from distributed import Client, Worker

    client = Client()
    client.wait_for_workers(1, timeout=60)
    print("sum", client.submit(sum, [1, 2]).result(), flush=True)
    if {scheduler}:
        client.run_on_scheduler(lambda: os.kill(os.getpid(), signal.SIGKILL))
    else:
        client.run(lambda: os.kill(os.getppid(), signal.SIGKILL), wait=False)
    time.sleep(70)
"""


@pytest.mark.parametrize("scheduler", [True, False])
def test_without_a_scheduler_or_workers_the_job_ends(tmp_path: Path, scheduler: bool) -> None:
    """Not at the time limit."""
    ran = launch(tmp_path, DIES.format(scheduler=scheduler))
    assert ran.out.startswith("sum 3\n") and ran.status != 0 and ran.seconds < 60, ran


UNGUARDED = """
    import sys

    from distributed import Client

    client = Client()
    client.wait_for_workers(2, timeout=60)
    workers = client.scheduler_info()["workers"].values()
    print([(w["nthreads"], w["memory_limit"] // 2**20) for w in workers], client.submit(lambda x: x + 1, 1).result(), sys.argv)
    sys.exit(4)
"""


@pytest.mark.parametrize("module", [False, True])
def test_runner_local_without_a_main_guard(tmp_path: Path, module: bool) -> None:
    """Each worker would run the program again, from its first line."""
    told = {"workers": 2, "dask": {"nthreads": 2, "memory_limit": "200MiB", "local_directory": "$HOME/spill"}}
    told.update({"runner": "local"} if module else {})
    if module:
        (tmp_path / "program.py").write_text(textwrap.dedent(UNGUARDED))
        command = [f"{VENV}/bin/python", "-m", "hpcgen.dask", json.dumps(told), "program.py", "a"]
        ran = done(command, tmp_path, {"PYTHONPATH": str(SOURCE)})
    else:
        ran = launch(tmp_path, UNGUARDED, "a", told=told, runner="local")
    quiet(ran, 4)
    assert ran.out == "[(2, 200), (2, 200)] 2 ['program.py', 'a']\n" and (tmp_path / "spill").is_dir()


def test_runner_local_in_a_script(tmp_path: Path) -> None:
    """And the program's own functions, a module beside it, and the faults that are found before it."""
    (tmp_path / "helper.py").write_text(HELPER)
    program = "import helper\nfrom distributed import Client\n\n\ndef f(x):\n    return helper.twice(x)\n\n\n"
    program += "if __name__ == '__main__':\n    import sys\n    print(Client().submit(f, 4).result(), sys.argv[1:])\n"
    (tmp_path / "program.py").write_text(program)
    start = [sys.executable, "-m", "hpcgen", "run", "--site", "local", "--runner", "local", "--workers", "1"]
    env = {"PYTHONPATH": str(SOURCE), "XDG_CONFIG_HOME": str(tmp_path)}
    ran = done([*start, "program.py", ":", "b"], tmp_path, env)
    quiet(ran)
    assert ran.out == "8 [':', 'b']\n"
    ran = done([*start, "missing.py"], tmp_path, env)
    assert ran.status == 1 and ran.err.count("no program missing.py") == 1 and ran.out == ""


@pytest.mark.parametrize("runner", ["mpi", "local"])
def test_an_installed_launcher(tmp_path: Path, runner: str) -> None:
    """The script holds no launcher. It starts the installed one, or ends with one line if that has another version."""
    (tmp_path / "program.py").write_text(textwrap.dedent(UNGUARDED))
    words = ["--site", "local", "--launcher", "installed", "--runner", runner, "--workers", "2", "--mem-per-cpu", "200M"]
    env = {"PYTHONPATH": str(SOURCE), "XDG_CONFIG_HOME": str(tmp_path)}
    script = done([sys.executable, "-m", "hpcgen", "local", *words, "program.py", "a"], tmp_path, env).out
    assert "-m hpcgen.dask" in script and "launcher=" not in script and len(script.splitlines()) < 45
    (tmp_path / "job.sh").write_text(script)
    ran = done(["bash", "job.sh"], tmp_path, env)
    quiet(ran, 4)
    assert ran.out.endswith(" 2 ['program.py', 'a']\n")

    (tmp_path / "old" / "hpcgen" / "dask").mkdir(parents=True)
    (tmp_path / "old" / "hpcgen" / "__init__.py").write_text('__version__ = "0.0.1"\n')
    for path in (tmp_path / "old", tmp_path):
        ran = done(["bash", "job.sh"], tmp_path, {**env, "PYTHONPATH": str(path)})
        (line,) = ran.err.splitlines()
        assert ran.status == 1 and not ran.out
        assert line.startswith(f"hpcgen: the job's Python does not have hpcgen {__version__}: install it there")


def test_a_colon_among_the_arguments(tmp_path: Path) -> None:
    """Which would begin another part of mpiexec's line."""
    (tmp_path / "program.py").write_text(CLIENT + "import sys\nprint(sys.argv)\n")
    command = [sys.executable, "-m", "hpcgen", "run", "--site", "local", "--workers", "1", "program.py", "a", ":", "é\n", ""]
    ran = done(command, tmp_path, {"PYTHONPATH": str(SOURCE), "XDG_CONFIG_HOME": str(tmp_path)})
    quiet(ran)
    assert ran.out == "sum 3\n['program.py', 'a', ':', 'é\\n', '']\n"
