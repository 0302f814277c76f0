"""`hpcgen submit` by a user on the login host, and from inside a job."""
from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import needs

needs.or_skip()

from . import bed, cases, checks, slurm  # noqa: E402

HPCGEN = [sys.executable, "-m", "hpcgen", "submit", "--site", "mahuika"]
# the very hpcgen that is tested, whose interpreter hosts see at the same path
ENV = {"PYTHONPATH": str(bed.CHECKOUT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
SERIAL = ("--workload", "serial", "--time", "00:05:00", "--mem", "1G")


@pytest.fixture(scope="module")
def mahuika() -> Iterator[bed.Miniature]:
    shape = dataclasses.replace(cases.shape("mahuika", ""), name="test-submit")
    up = bed.Miniature(shape).up()
    yield up
    up.down()


def folder(up: bed.Miniature, name: str) -> Path:
    made = up.workdir(name, cases.PROGRAMS / "facts.py", cases.PROGRAMS / "outer.sh")
    for program in ("serial_program.py", "mpi_program.py"):
        (made / program).write_text((cases.PROGRAMS / program).read_text())
    return made


def known(up: bed.Miniature) -> list[str]:
    return up.run(["squeue", "--noheader", "--states=all", "--format=%i"]).stdout.split()


def test_prints_the_id_of_a_job_that_runs(mahuika: bed.Miniature) -> None:
    place = folder(mahuika, "submit")
    answer = mahuika.run([*HPCGEN, *SERIAL, "serial_program.py", "--seed", "7"], cwd=str(place), env=ENV)
    number = answer.stdout.strip()
    assert number in known(mahuika)
    records = slurm.wait(mahuika, number)
    assert [one["JobState"] for one in records] == ["COMPLETED"]
    assert checks.reports(Path(records[0]["StdOut"]).read_text())[0]["argv"][1:] == ["--seed", "7"]


def test_makes_the_folder_of_logs(mahuika: bed.Miniature) -> None:
    place = folder(mahuika, "logs")
    asked = [*SERIAL, "--output", "logs/deep/%x-%j.out"]
    answer = mahuika.run([*HPCGEN, *asked, "serial_program.py"], cwd=str(place), env=ENV)
    number = answer.stdout.strip()
    assert "made the log folder logs/deep" in answer.stderr
    assert [one["JobState"] for one in slurm.wait(mahuika, number)] == ["COMPLETED"]
    seen = checks.reports((place / f"logs/deep/serial_program-{number}.out").read_text())
    assert seen[0]["env"]["SLURM_JOB_ID"] == number
    # the script lies there as it was submitted
    held = mahuika.run(["scontrol", "write", "batch_script", number, "-"]).stdout
    assert held.rstrip("\n") == (place / "serial_program.sh").read_text().rstrip("\n")


def test_only_a_test_submits_nothing(mahuika: bed.Miniature) -> None:
    place = folder(mahuika, "test-only")
    before = known(mahuika)
    answer = mahuika.run([*HPCGEN, "--test-only", "--hetjob", "--workers", "2"], cwd=str(place), env=ENV)
    assert "to start at" in answer.stdout
    assert known(mahuika) == before


def test_says_what_slurm_says(mahuika: bed.Miniature) -> None:
    """What no profile knows: here, the cluster's reservations."""
    place = folder(mahuika, "refused")
    before = known(mahuika)
    asked = [*HPCGEN, *SERIAL, "--reservation", "none-such", "serial_program.py"]
    answer = mahuika.run(asked, cwd=str(place), env=ENV, check=False)
    assert answer.returncode == 1 and answer.stdout == ""
    assert "sbatch: error: Batch job submission failed: Requested reservation is invalid" in answer.stderr
    assert known(mahuika) == before


def inner(up: bed.Miniature, name: str, *command: str) -> tuple[list[dict[str, str]], str]:
    """The job that a command submits from inside another: its records and its output."""
    place = folder(up, name)
    script = place / "outer.sh"
    script.write_text(script.read_text().replace('"$@"', " ".join(command)))
    done = slurm.run(up, "outer.sh", cwd=str(place), env=ENV).completed()
    number = next(word for word in reversed(done.output.split()) if word.isdigit())
    records = slurm.wait(up, number)
    return records, Path(records[0]["StdOut"]).read_text()


def test_from_inside_a_job_keeps_nothing_of_it(mahuika: bed.Miniature) -> None:
    asked = "--workload mpi --ntasks 3 --cpus-per-task 2 --mem 3G --time 00:05:00 --job-name inner mpi_program.py"
    records, output = inner(mahuika, "inside", *HPCGEN, asked)
    assert [one["JobState"] for one in records] == ["COMPLETED"]
    told = {key: records[0][key] for key in ("JobName", "TimeLimit", "NumTasks", "CPUs/Task", "OverSubscribe")}
    assert told == {"JobName": "inner", "TimeLimit": "00:05:00", "NumTasks": "3", "CPUs/Task": "2", "OverSubscribe": "OK"}
    seen = checks.reports(output)
    assert [(one["rank"], one["size"], len(one["cpus"])) for one in seen] == [(0, 3, 2), (1, 3, 2), (2, 3, 2)]
    for one in seen:
        assert not [name for name in one["env"] if name.endswith("_OUTER") and not name.startswith("KEPT")]
        assert not [name for name in one["env"] if name.startswith("SBATCH_") or name == "SLURM_NTASKS_PER_CORE"]
        assert one["env"]["KEPT_OUTER"] == "1"
        assert one["env"]["SLURM_JOB_NAME"] == "inner"
        assert one["env"]["SLURM_CPUS_PER_TASK"] == "2"
        assert one["env"]["SLURM_MEM_PER_NODE"] == "3072" and "SLURM_MEM_PER_CPU" not in one["env"]


def test_what_sbatch_alone_would_have_made_of_it(mahuika: bed.Miniature) -> None:
    """The same script from inside the same job: the outer one's settings win."""
    asked = "--workload mpi --ntasks 3 --cpus-per-task 2 --mem 3G --time 00:05:00 --job-name inner mpi_program.py"
    hpcgen = [sys.executable, "-m", "hpcgen", "slurm", "--site", "mahuika", "--write", "inner.sh", asked]
    records, _ = inner(mahuika, "plain", *hpcgen, "&& sbatch --parsable inner.sh")
    assert (records[0]["JobName"], records[0]["TimeLimit"]) == ("not-this", "00:11:00")
    assert records[0]["OverSubscribe"] == "USER"
