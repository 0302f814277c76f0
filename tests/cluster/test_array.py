"""Task lists and tables as arrays, on a real Slurm and on the real Grid Engine."""
from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from hpcgen import load, plan, render
from hpcgen.profiles.load import decode
from hpcgen.request.layers import Layer, merge

from . import bed, examples, from_site, needs, slurm
from .test_gridengine import SITE

COMMANDS = "# what\n\n" + "".join(f"echo command $HPCGEN_TASK is {n} on $HOSTNAME; [ {n} != 3 ]\n" for n in range(1, 6))
TABLE = 'alpha,beta\n1,"a b; touch ran"\n2,$(touch ran)\n3,x\n'
SHOW = 'echo "row $HPCGEN_TASK: $alpha|$beta|$1"'
FIRST, SECOND = [f"command {n} is {n}" for n in (1, 2, 3)], [f"command {n} is {n}" for n in (4, 5)]
LISTED = {"commands": "list", "tasks": 5, "chunk": 3}
ROWS = {"table": "t.csv", "tasks": 3, "throttle": 2, "program": "sh", "args": ("-c", SHOW, "sh", "{beta}")}
OUT = ["row 1: 1|a b; touch ran|a b; touch ran", "row 2: 2|$(touch ran)|$(touch ran)", "row 3: 3|x|x"]


@pytest.fixture(autouse=True)
def ready():
    needs.or_skip()


def written(site, folder, **asked):
    values = {"workload": "array", "time": "5m", "mem_per_cpu": "256M", **asked}
    job = plan(site, merge([Layer("flag", "command line", values, strict=False)]))
    (folder / "job.sh").write_text(render(job))
    (folder / "list").write_text(COMMANDS)
    (folder / "t.csv").write_text(TABLE)


def said(text):
    return [line.partition(" on ")[0] for line in text.splitlines() if re.match(r"command \d|row \d+:", line)]


def test_on_slurm():
    site = load("mahuika")
    up = bed.Miniature(dataclasses.replace(from_site.shape(site, hosts=2), name="test-array")).up()
    try:
        for name, asked in (("list", LISTED), ("table", ROWS)):
            folder = up.workdir(name)
            written(site, folder, account="nesi99999", output="out-%a", **asked)
            up.give(folder)
            done = slurm.run(up, "job.sh", cwd=str(folder))
            found = {int(one["ArrayTaskId"]): one["ExitCode"] for one in done.records}
            logs = [said((folder / f"out-{n}").read_text()) for n in sorted(found)]
            if name == "list":
                assert logs == [FIRST, SECOND] and found == {1: "1:0", 2: "0:0"}
            else:
                assert logs == [[line] for line in OUT] and set(found.values()) == {"0:0"} and not (folder / "ran").exists()
    finally:
        up.down()


def test_a_list_that_is_longer_than_the_sites_arrays():
    """Mahuika's limit makes chunks that Slurm takes, where it refuses an index for each; first and last do their share."""
    site = load("mahuika")
    up = bed.Miniature(dataclasses.replace(from_site.shape(site, hosts=2), name="test-long-array")).up()
    try:
        folder = up.workdir("long")
        written(site, folder, account="nesi99999", output="out-%a", commands="list", tasks=2500)
        (folder / "list").write_text("".join(f"echo command $HPCGEN_TASK is {n} on $HOSTNAME\n" for n in range(1, 2501)))
        up.give(folder)
        assert "#SBATCH --array=1-834\n" in (folder / "job.sh").read_text()
        assert "to start at" in up.run(["sbatch", "--test-only", "job.sh"], cwd=str(folder)).stderr
        with pytest.raises(slurm.Refused, match="Invalid job array specification"):
            slurm.submit(up, "job.sh", "--array=1-2500", cwd=str(folder))
        done = slurm.run(up, "job.sh", "--array=1,834", cwd=str(folder)).completed()
        assert len(done.records) == 2
        assert said((folder / "out-1").read_text()) == [f"command {n} is {n}" for n in (1, 2, 3)]
        assert said((folder / "out-834").read_text()) == ["command 2500 is 2500"]
    finally:
        up.down()


def test_on_grid_engine():
    site = decode("grid", {**SITE, "modules": {}, "sge": {"pe_one": "smp", "pe_many": "mpi", "source": "x"}}, "grid.toml")
    up = bed.Miniature(dataclasses.replace(examples.GRID, name="grid-array")).up()
    try:
        for name, asked in (("list", LISTED), ("table", ROWS)):
            folder = up.workdir(name)
            written(site, folder, **{**asked, "mem_per_cpu": None})
            up.give(folder)
            done = up.run(["qsub", "-sync", "y", "job.sh"], cwd=str(folder), seconds=180, check=False)
            logs = [
                said(Path(path).read_text()) for path in sorted(folder.glob("*.o*.*"), key=lambda path: int(path.suffix[1:]))
            ]
            assert logs == ([FIRST, SECOND] if name == "list" else [[line] for line in OUT]), done.stderr
            assert done.returncode == (name == "list") and not (folder / "ran").exists()
    finally:
        up.down()
