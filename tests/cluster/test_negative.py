"""What goes wrong: what Slurm makes of it, and what hpcgen says before anything is submitted."""
from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import needs

needs.or_skip()

from hpcgen import load, plan, render  # noqa: E402
from hpcgen.base.errors import LimitError, RequestError  # noqa: E402
from hpcgen.request.layers import Layer, merge  # noqa: E402

from . import bed, cases, checks, slurm  # noqa: E402
from .patience import LONGER  # noqa: E402


@pytest.fixture(scope="module")
def mahuika() -> Iterator[bed.Miniature]:
    up = bed.Miniature(dataclasses.replace(cases.shape("mahuika-cs400", ""), name="test-negative")).up()
    yield up
    up.down()


def script(**request: Any) -> str:
    site = load("mahuika-cs400")
    return render(plan(site, merge([Layer("file", "request", {"site": site.id, **request})])))


def says(**request: Any) -> str:
    """hpcgen's refusal."""
    with pytest.raises(RequestError) as problem:
        script(**request)
    return "\n".join(problem.value.problems)


def folder(up: bed.Miniature, name: str, text: str) -> Path:
    place = up.workdir(name, cases.PROGRAMS / "facts.py", cases.PROGRAMS / "mpi_program.py")
    (place / "program.py").write_text((cases.PROGRAMS / cases.DASK).read_text())
    (place / "job.sh").write_text(text)
    up.give(place)
    return place


def run(up: bed.Miniature, name: str, text: str, seconds: float = 60) -> slurm.Job:
    return slurm.run(up, "job.sh", cwd=str(folder(up, name, text)), seconds=seconds)


def refused(up: bed.Miniature, name: str, text: str) -> str:
    with pytest.raises(slurm.Refused) as problem:
        slurm.submit(up, "job.sh", cwd=str(folder(up, name, text)))
    return str(problem.value)


MPI = {"workload": "mpi", "ntasks": 4, "program": "mpi_program.py", "time": "5"}


def test_wrong_pmi(mahuika: bed.Miniature) -> None:
    """Where the module names Slurm's library, Intel MPI ends; where it does not, each rank is alone, and Slurm content."""
    assert "--mpi none: intel at mahuika-cs400 does not start with this type" in says(**MPI, mpi="none")
    text = script(**MPI).replace("--mpi=pmi2", "--mpi=none")
    done = run(mahuika, "pmi", text)
    assert done.state == "FAILED" and "MPIR_pmi_init" in done.output
    done = run(mahuika, "pmi-alone", re.sub(r"(?m)^(.*\bsrun )", r"unset I_MPI_PMI_LIBRARY; \1", text))
    assert done.state == "COMPLETED"
    assert [(one["rank"], one["size"]) for one in checks.reports(done.output)] == [(0, 1)] * 4


def test_pmi_that_slurm_has_not(mahuika: bed.Miniature) -> None:
    assert "--mpi pmix_v9: intel at mahuika-cs400 does not start with this type" in says(**MPI, mpi="pmix_v9")
    done = run(mahuika, "pmi-unknown", script(**MPI).replace("--mpi=pmi2", "--mpi=pmix_v9"))
    assert done.state == "FAILED" and "pmix_v9" in done.output


def test_missing_interface(mahuika: bed.Miniature) -> None:
    """As the pages have it Dask refuses the name on one rank, and the others wait for that one: until the job's time is
    over nothing ends. Our launcher says so at once."""
    done = run(mahuika, "interface-ours", script(interface="ib7", program="program.py", time="5"))
    assert done.state == "FAILED" and "no interface ib7: use --interface lo or eth0" in done.output
    place = folder(mahuika, "interface", script(plain=True, program="program.py", time="5"))
    (place / "program.py").write_text("from dask_mpi import initialize\n\ninitialize(interface='ib7')\n")
    number = slurm.submit(mahuika, "job.sh", cwd=str(place))
    output, deadline = place / f"slurm-{number}.out", time.monotonic() + 60 * LONGER
    while not (output.exists() and "ValueError" in output.read_text()) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(3)
    states = [one["JobState"] for one in slurm.show(mahuika, number)]
    mahuika.run(["scancel", number])
    slurm.wait(mahuika, number)
    assert states == ["RUNNING"]
    assert re.search(r"'ib7' is not a valid network interface. Valid network interfaces are: .*'eth0'", output.read_text())


def test_missing_module(mahuika: bed.Miniature) -> None:
    """Under a shebang without -e the script goes on, here to find no Python; with -e it ends at the module."""
    text = script(**MPI, module=["Python/9.9"])
    done = run(mahuika, "module", text)
    assert done.state == "FAILED"
    assert "The following module(s) are unknown" in done.output and "execve(): python: No such file" in done.output
    done = run(mahuika, "module-e", text.replace("#!/bin/bash\n", "#!/bin/bash -e\n"))
    assert done.state == "FAILED"
    assert "The following module(s) are unknown" in done.output and "execve" not in done.output


def test_missing_image(mahuika: bed.Miniature) -> None:
    done = run(mahuika, "image", script(**MPI, image="nowhere.sif"))
    assert done.state == "FAILED"
    assert "hpcgen: there is no image nowhere.sif" in done.output


def test_memory_over_the_node(mahuika: bed.Miniature) -> None:
    serial = {"workload": "serial", "program": "mpi_program.py", "time": "5"}
    said = says(**serial, mem="500G", partition="large")
    assert said.startswith("--mem 500G: the closest node type of partition large, broadwell, has only 108000M for jobs [NeSI ")
    assert said.endswith(", 2024-12-13]: use --mem 108000M")
    text = script(**serial, mem="50G", partition="large").replace("--mem=50G", "--mem=500G")
    assert "Memory specification can not be satisfied" in refused(mahuika, "memory", text)


def test_time_over_the_partition(mahuika: bed.Miniature) -> None:
    asked = {**MPI, "time": "4-00:00:00", "partition": "large"}
    with pytest.raises(LimitError, match=r"^--time 4-00:00:00: partition large allows at most 3-00:00:00 \[.*\]: use"):
        script(**asked)
    text = script(**MPI, partition="large").replace("--time=00:05:00", "--time=4-00:00:00")
    assert "Requested time limit is invalid" in refused(mahuika, "time", text)


def test_folder_of_logs_that_is_not_there(mahuika: bed.Miniature) -> None:
    """The job ends before its script begins, and there is no output to say so; test_submit shows hpcgen making it."""
    done = run(mahuika, "logs", script(**MPI, output="none/such/%j.out"))
    assert done.state == "FAILED" and done.records[0]["ExitCode"] == "0:53"
    assert done.output.startswith("(no output:")


def test_published_form_gives_each_worker_the_cpus_of_all(mahuika: bed.Miniature) -> None:
    """The page's `srun --het-group=0-1` in the place of ours, in a script otherwise the same."""
    (case,) = [one for one in cases.CASES if one.id == "mahuika-cs400/high_memory"]
    ours = render(case.plan()).replace("mydaskprogram.py", "program.py")
    launch = re.compile(r"^    srun .*?(?= \|\| status)", re.DOTALL | re.MULTILINE)
    (line,) = launch.findall(ours)
    assert line.count("--het-group") == 2
    published = launch.sub("    srun --mpi=pmi2 --het-group=0-1 python program.py", ours)
    cpus, threads = {}, {}
    for name, text in (("ours", ours), ("published", published)):
        seen = checks.reports(run(mahuika, f"form-{name}", text, 120).completed().output)
        workers = [one for one in seen if one["rank"] > 1]
        assert [one["size"] for one in seen] == [5] * 5
        cpus[name] = [tuple(one["cpus"]) for one in workers]
        threads[name] = [one["threads"] for one in seen]
    assert [len(one) for one in cpus["ours"]] == [4, 4, 4] and len({*cpus["ours"]}) == 3
    assert [len(one) for one in cpus["published"]] == [12, 12, 12] and len({*cpus["published"]}) == 1
    assert threads == {"ours": ["1"] * 5, "published": [None] * 5}


def test_components_whose_hosts_are_not_in_order(mahuika: bed.Miniature) -> None:
    """Slurm's PMI-2 counts the hosts' tasks by names: unequal components in another order hang."""

    def job(first: str, second: str, seconds: float) -> slurm.Job:
        programs = {"program": "mpi_program.py", "mpmd": ["3: mpi_program.py"]}
        text = script(workload="mpi", hetjob=True, ntasks=5, time="5", mem_per_cpu="1G", **programs)
        parted = f"#SBATCH --nodelist={first}\n#SBATCH hetjob\n#SBATCH --nodelist={second}\n"
        text = text.replace("#SBATCH hetjob\n", parted).replace("\nenv -u", f"\ntimeout {seconds:.0f} env -u")
        assert f"\ntimeout {seconds:.0f} " in text
        return run(mahuika, f"order-{first}", text)

    done = job("broadwell-01", "broadwell-02", 120).completed()
    assert len(checks.reports(done.output)) == 5 and "not in the order of their names" not in done.output
    hangs = job("broadwell-02", "broadwell-01", max(9, 3 * done.seconds))
    assert "not in the order of their names" in hangs.output
    assert hangs.state == "FAILED" and checks.reports(hangs.output) == []


def test_types_of_gpus_have_their_letters(mahuika: bed.Miniature) -> None:
    """Slurm knows no a100 where the type is A100; hpcgen writes it as the site does, whatever the case it was asked for in."""
    text = script(workload="serial", program="facts.py", partition="hgx", gpus="a100:1", time="5")
    assert "#SBATCH --gpus-per-node=A100:1\n" in text
    assert "node configuration is not available" in refused(mahuika, "letters-wrong", text.replace("A100:1\n", "a100:1\n"))
    run(mahuika, "letters", text).completed()


def test_names_to_export_are_not_all_that_tasks_have(mahuika: bed.Miniature) -> None:
    """srun takes sbatch's --export for its own: without SLURM_EXPORT_ENV=ALL the tasks miss what the script has set."""
    text = script(workload="mpi", program="facts.py", ntasks=1, cpus_per_task=2, export="HOME,PATH", time="5")
    assert "export SLURM_EXPORT_ENV=ALL\n" in text
    bare = "#!/bin/bash\n#SBATCH --time=5\n#SBATCH --export=HOME,PATH\nexport OMP_NUM_THREADS=2\nsrun -n1 env\n"
    for name, lines, seen in (
        ("export-names", bare, False),
        ("export-all", bare.replace("srun", "SLURM_EXPORT_ENV=ALL srun"), True),
    ):
        assert ("OMP_NUM_THREADS=2" in run(mahuika, name, lines).completed().output) == seen
