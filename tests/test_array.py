"""Task lists and tables as arrays: what is counted, what each index runs, and that no value of a table is ever run."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest
from stubs import LOCAL, SLURM, flags
from test_parsed import PARSERS, SITES

from hpcgen import load, plan, render
from hpcgen.base.errors import HpcgenError
from hpcgen.model.job import Job
from hpcgen.profiles.load import decode

LIST = "# a list\n\necho one $HPCGEN_TASK\n  \necho two; exit 3\r\necho 'three  x' | cat\necho four"
TABLE = 'alpha,beta\n1,"a, $(touch ran) `touch ran`"\n2,;touch ran\n\n3,"say ""x"""\n'
SHOW = "import os, sys; print(os.environ['alpha'], os.environ['beta'], sys.argv[1:], os.environ['HPCGEN_TASK'])"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list").write_text(LIST)
    Path("t.csv").write_text(TABLE)
    Path("t.tsv").write_text("alpha\tbeta\n1\t\n")


def made(site: Dict[str, Any] = SLURM, **asked: Any) -> Job:
    return plan(decode("stub", site, "stub.toml"), flags(workload="array", **asked))


def run(job: Job, index: int = 1) -> subprocess.CompletedProcess[str]:
    """One index of the array, as the scheduler would start it, without the modules."""
    text = "\n".join(line for line in render(job).splitlines() if not line.startswith("module "))
    env = {**os.environ, "SLURM_ARRAY_TASK_ID": str(index), "PBS_ARRAY_INDEX": str(index)}
    return subprocess.run(["bash", "-e"], input=text, text=True, capture_output=True, env=env)


def refused(site: Dict[str, Any] = SLURM, **asked: Any) -> str:
    with pytest.raises(HpcgenError) as why:
        made(site, **asked)
    return " ".join(why.value.problems)


def test_each_index_runs_its_share_and_tells_of_the_worst() -> None:
    job = made(commands="list", chunk=2, throttle=1)
    assert job.array == "1-2%1"
    first, second = run(job, 1), run(job, 2)
    assert (first.returncode, first.stdout) == (3, "one 1\ntwo\n") and "command 2 of list failed with status 3" in first.stderr
    assert (second.returncode, second.stdout) == (0, "three  x\nfour\n")


def test_a_chunk_for_each_where_the_site_takes_fewer() -> None:
    site = {**SLURM, "scheduler": {"type": "slurm", "array_max": 4, "source": "x"}}
    assert made(site, commands="list").array == "1-2" and made(site, commands="list", tasks=3).array == "1-3"
    assert made(site, commands="none", tasks=100).array == "1-3"
    assert "use --chunk 34" in refused(site=site, commands="none", tasks=100, chunk=10)


def test_a_long_list_at_sites_that_say_how_many() -> None:
    """Gadi's arrays have ten jobs at most: every command still runs, once, and the note says whose rule it is."""
    Path("long").write_text("".join(f"echo {n} $HPCGEN_TASK\n" for n in range(1, 26)))
    job = plan(load("gadi"), flags(workload="array", commands="long", account="ab12"))
    assert job.array == "1-9" and job.tasks and job.tasks.origins["chunk"].kind == "fact"
    assert any(
        "25 commands in long: indices 1-9, 3 each" in note and "arrays of at most 10 jobs (Users'" in note for note in job.notes
    )
    said = "".join(run(job, index).stdout for index in range(1, 10))
    assert said == "".join(f"{n} {n}\n" for n in range(1, 26))
    for site, tasks, array, more in (
        ("mahuika", 2500, "1-834", {}),
        ("kestrel", 11000, "1-5500", {}),
        ("kestrel", 10999, "1-10999", {}),
        ("derecho", 9, "1-3", {"partition": "develop"}),
        ("derecho", 9, "1-9", {}),
        ("puhti", 900, "1-300", {}),
        ("summit", 900, "1-100", {}),
        ("polaris", 40, "1-20", {"partition": "preemptable"}),
        ("polaris", 40, "1-2", {}),  # of the queues that it may go to unasked, capacity takes the longest arrays
        ("polaris", 2, None, {"partition": "debug"}),
    ):
        asked = {"commands": "none", "tasks": tasks, "account": "ab12", "time": "5m", **more}
        assert plan(load(site), flags(workload="array", **asked)).array == array, site


@pytest.mark.parametrize("array, count", [("0-10", 11), ("1-21:2%2", 11), ("100-110", 11)])
def test_an_array_of_more_jobs_than_the_site_takes(array: str, count: int) -> None:
    with pytest.raises(HpcgenError) as why:
        plan(load("gadi"), flags(workload="serial", program="x", account="ab12", array=array))
    assert f"the array has {count} jobs, and gadi allows at most 10 [" in str(why.value) and "]: use --array 1-10" in str(
        why.value
    )
    plan(load("gadi"), flags(workload="serial", program="x", account="ab12", array="991-1000"))
    with pytest.raises(HpcgenError, match=r"partition develop allows at most 4 \["):
        plan(load("derecho"), flags(workload="serial", program="x", account="ab12", array="1-5", partition="develop"))


def test_an_array_of_which_too_much_would_wait_to_start() -> None:
    """Polaris' prod passes ten jobs on at a time: the rest of an array waits for ever. Its debug takes none."""

    def asked(array: str, partition: str) -> None:
        plan(
            load("polaris"),
            flags(workload="mpi", program="x", account="ab12", array=array, partition=partition, nodes=10, ntasks=10),
        )

    for array in ("0-99", "0-99%11"):
        with pytest.raises(
            HpcgenError, match=r"prod runs at most 10 jobs .* never starts the rest \[ALCF.*: use --array 0-99%10"
        ):
            asked(array, "prod")
    for array in ("0-99%10", "0-99%2", "0-9"):
        asked(array, "prod")
    with pytest.raises(HpcgenError, match=r"the array has 101 jobs, and .* allows at most 100 \["):
        asked("0-100%10", "prod")
    with pytest.raises(HpcgenError, match=r"debug allows at most 1 \[ALCF.*: leave out --array"):
        plan(load("polaris"), flags(workload="serial", program="x", account="ab12", array="1-2", partition="debug"))


def test_rows_are_variables_and_words_and_never_run() -> None:
    job = made(table="t.csv", program="python3", args=("-c", SHOW, "--a={alpha}", "{beta}", "a:b", ":", "x=y", "$HOME"))
    out = [run(job, index) for index in (1, 2, 3)]
    values = [("1", "a, $(touch ran) `touch ran`"), ("2", ";touch ran"), ("3", 'say "x"')]
    rest = ["a:b", ":", "x=y", "$HOME"]
    assert [one.stdout for one in out] == [f"{a} {b} {[f'--a={a}', b, *rest]} {n}\n" for n, (a, b) in enumerate(values, 1)]
    assert not Path("ran").exists() and [one.returncode for one in out] == [0, 0, 0]
    assert run(made(table="t.tsv", program="python3", args=("-c", SHOW))).stdout == "1  [] 1\n"


@pytest.mark.parametrize("given", [{"commands": "list"}, {"table": "t.csv", "program": "true"}])
def test_the_file_at_run_time(given: Dict[str, str]) -> None:
    """It is not there; it has fewer tasks than were counted; it has more, which nobody would run."""
    job, file = made(**given), Path(given.get("commands") or given["table"])
    last = 4 if "commands" in given else 3
    file.write_text(file.read_text() + "\n" + ("true" if last == 4 else "4,5") + "\n")
    done = run(job, last)
    assert done.returncode == 1 and "this array was made for" in done.stderr and run(job, 1).returncode == 0
    file.write_text("true\n" if last == 4 else "alpha,beta\n1,2\n")
    done = run(job, last)
    assert done.returncode == 1 and f" {last}: the file has only 1 now" in done.stderr
    file.unlink()
    done = run(job, 1)
    assert done.returncode == 2 and "cannot read this file" in done.stderr


def test_a_failing_row_does_not_stop_the_others() -> None:
    job = made(table="t.csv", chunk=3, program="sh", args=("-c", 'echo "$alpha"; [ "$alpha" != 2 ]'))
    done = run(job)
    assert (job.array, done.stdout, done.returncode) == (
        None,
        "1\n2\n3\n",
        1,
    ) and "row 2 of t.csv failed with status 1" in done.stderr


def test_without_a_scheduler_all_run_one_after_the_other() -> None:
    done = run(made(LOCAL, commands="list"))
    assert done.stdout == "one 1\ntwo\nthree  x\nfour\n" and done.returncode == 3


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "BASH_ENV", "PYTHONPATH", "a b", "1x", "", "a$(id)"])
def test_columns_that_are_no_variables(name: str) -> None:
    Path("bad.csv").write_text(f"alpha,{name}\n1,/tmp/x.so\n")
    assert "cannot be a variable" in refused(table="bad.csv", program="true")
    done = run(made(table="bad.csv", program="true", tasks=1))
    assert done.returncode == 1 and "cannot be a variable" in done.stderr


REFUSED = [
    ({}, "give either --commands FILE, or --table FILE"), ({"commands": "list", "table": "t.csv", "program": "x"},
     "give either --commands FILE, or --table FILE"),
    ({"commands": "list", "program": "x"}, "leave the program out, or use --table"), ({"table": "t.csv"}, "name it last"),
    ({"commands": "gone"}, "gone: No such file or directory"), ({"commands": "list", "array": "1-3"}, "--throttle"),
    ({"commands": "list", "ntasks": 4}, "one task"), ({"commands": "list", "image": "i.sif"}, "--image"),
    ({"table": "t.csv", "program": "x", "args": ("{alhpa}",)}, "did you mean 'alpha'"),
]  # fmt: skip


@pytest.mark.parametrize("asked, why", REFUSED, ids=lambda value: " ".join(value) if isinstance(value, dict) else "")
def test_refusals(asked: Dict[str, Any], why: str) -> None:
    assert why in refused(**asked)


def test_other_files_that_say_nothing() -> None:
    Path("empty").write_text("# none\n")
    Path("ragged.csv").write_text("a,b\n1\n")
    Path("twice.csv").write_text("a,a\n1,2\n")
    found: List[str] = [refused(commands="empty"), refused(table="empty", program="x")]
    assert all("write at least one" in text or "cannot be" in text for text in found)
    assert "row 1 has 1 values for 2 columns" in refused(table="ragged.csv", program="x")
    assert "two columns are named a" in refused(table="twice.csv", program="x")


def test_options_of_other_workloads() -> None:
    with pytest.raises(HpcgenError, match="--commands: only --workload array takes this option"):
        plan(decode("stub", SLURM, "stub.toml"), flags(workload="serial", commands="list"))


def test_a_site_without_arrays() -> None:
    site = {**SLURM, "scheduler": {"type": "slurm", "arrays": False, "source": "x"}}
    assert "stub does not allow job arrays: use --chunk 4 to run all tasks in one job" in refused(site=site, commands="list")
    assert made(site, commands="list", chunk=4).array is None


@pytest.mark.parametrize("kind", [kind for kind in SITES if kind != "flux"])
def test_every_scheduler_reads_it(kind: str) -> None:
    """The indices as its grammar reads them, and its own variable in the script."""
    job = made(SITES[kind], commands="many", tasks=25, chunk=2, throttle=3, account="ab12")
    text = render(job)
    read = PARSERS[kind](text)
    assert read.array and read.array.indices == tuple(range(1, 14))
    assert read.array.throttle == 3
    names = {"torque": "PBS_ARRAYID", "sge": "SGE_TASK_ID", "lsf": "LSB_JOBINDEX", "summit": "LSB_JOBINDEX"}
    assert f"index=${names.get(kind, 'PBS_ARRAY_INDEX')}\n" in text


def test_flux_takes_all_in_one_job() -> None:
    assert "stub does not allow job arrays: use --chunk 4 to run all tasks in one job" in refused(
        site=SITES["flux"], commands="list"
    )
    assert "index=1\n" in render(made(SITES["flux"], commands="list", chunk=4))


@pytest.mark.parametrize("asked", [{"commands": "list"}, {"table": "t.csv", "program": "x.py"}], ids=["list", "table"])
def test_tasks_run_on_the_jobs_nodes(asked: Dict[str, Any]) -> None:
    """Where the script itself runs on a node that all jobs share, jsrun starts each of them."""
    lines = [line for line in render(made(SITES["summit"], **asked)).splitlines() if "HPCGEN_TASK\"" in line and "||" in line]
    assert [line.strip().startswith("jsrun -n 1 -a 1 -c 1 -g 0") for line in lines] == [True]


def test_a_value_that_is_too_long(tmp_path: Path) -> None:
    """Python's csv module has a limit. A quote that is never closed reaches it, too."""
    Path("long.csv").write_text("alpha,beta\n1," + "x" * 140_000 + "\n")
    Path("open.csv").write_text('alpha,beta\n1,"x\n' + "2,y\n" * 50_000)
    for name, line in (("long.csv", "2"), ("open.csv", r"\d+")):
        why = refused(table=name, program="true")
        assert re.fullmatch(
            f"--table {name}: a value up to line {line} is longer than 131072 characters: shorten it, or close its quotes", why
        )
        done = run(made(table=name, program="true", tasks=1))
        assert done.returncode == 1 and f"hpcgen: {name}: field larger than field limit (131072)\n" in done.stderr
        assert "Traceback" not in done.stderr


def test_characters_that_only_python_takes_for_ends_of_lines() -> None:
    """The table is counted as the job reads it: only line feeds and carriage returns end a line."""
    for value in ("x\u2028y", "x\u2029y", "x\x85y", "x\x0by", "x\x0cy", "x\x1cy", "x\x1dy", "x\x1ey"):
        Path("u.csv").write_text(f"alpha,beta\n1,{value}\n2,z\n", encoding="utf-8")
        job = made(table="u.csv", program="python3", args=("-c", "import os; print(ascii(os.environ['beta']))"))
        assert job.tasks and job.tasks.count == 2 and run(job).stdout == f"{value!a}\n"
    Path("u.csv").write_bytes(b"alpha,beta\r1,x\r\n2,y\n")
    job = made(table="u.csv", program="sh", args=("-c", 'echo "$beta"'))
    assert job.tasks and job.tasks.count == 2 and run(job, 2).stdout == "y\n"


def test_a_nul_byte_in_a_table() -> None:
    """No variable and no argument can hold it: the table is refused before the job, and by the job if the file has changed."""
    Path("nul.csv").write_bytes(b"alpha,beta\n1,x\n2,x\0y\n")
    why = "--table nul.csv: line 3 contains a NUL byte, which no variable can hold: remove it"
    assert refused(table="nul.csv", program="true") == why
    done = run(made(table="nul.csv", program="true", tasks=2), 2)
    assert done.returncode == 1 and "Traceback" not in done.stderr and " NUL" in done.stderr


def test_the_file_is_counted_where_the_job_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to --chdir, not to the folder in which the command runs."""
    Path("sub").mkdir()
    Path("sub/only.csv").write_text("alpha\n1\n2\n")
    Path("sub/list").write_text("echo only\n")
    for asked, count in (({"table": "only.csv", "program": "x"}, 2), ({"commands": "list"}, 1)):
        job = made(chdir="sub", **asked)
        assert job.tasks and job.tasks.count == count
    why = "--table t.csv: No such file or directory in the folder sub (--chdir): give the number of its tasks with --tasks"
    assert refused(chdir="sub", table="t.csv", program="x") == why
    monkeypatch.setenv("HOME", str(Path.cwd()))
    job = made(chdir="sub", commands="~/list")
    assert job.tasks and job.tasks.count == 4
    job = made(stage=("sub", "list"), commands="$HPCGEN_STAGED/sub/list")
    assert job.tasks and job.tasks.count == 1
    assert "the file is in an archive: give the number" in refused(stage=("x.tar",), commands="$HPCGEN_STAGED/x/list")
    assert refused(commands="~nobody/list").startswith("--commands ~nobody/list: No such file or directory: give")
