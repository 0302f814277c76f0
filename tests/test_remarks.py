"""What is said beside a script: only what holds of this request at this site, and with the way out."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
import tiny

from hpcgen import RequestError, load, plan, render
from hpcgen.base.kinds import Token
from hpcgen.profiles.load import decode
from hpcgen.request.fields import Request
from hpcgen.request.layers import Layer, merge


def notes(site: str, **asked: Any) -> List[str]:
    at = load(site)
    return list(
        plan(at, merge([Layer("flag", "command line", {"account": "a1", "program": "x.py", **asked}, strict=False)])).notes
    )


@pytest.mark.parametrize("workload, package", [("ray", "ray"), ("torchrun", "torch")])
def test_a_python_that_may_lack_the_package(workload: str, package: str) -> None:
    said = f"{package} must be installed in the Python of mahuika"
    assert any(said in text and f"--workload {workload} --venv DIR" in text for text in notes("mahuika", workload=workload))
    for own in ({"venv": "~/v"}, {"conda": "e"}, {"image": "i.sif"}, {"module": ["Python/3.12"]}, {"python": "/opt/python"}):
        assert not any(said in text for text in notes("mahuika", workload=workload, **own))
    assert not any("must be installed in the Python" in text for text in notes("mahuika", workload="mpi"))


@pytest.mark.parametrize(("runner", "holds"), [(None, True), ("mpi", True), ("slurm", False), ("local", False)])
def test_a_note_on_dask_mpi_is_of_ranks_by_mpi(runner: Any, holds: bool) -> None:
    at = tiny.site(notes=[{"when": "dask-mpi", "text": "of MPI alone", "source": "docs"}])
    made = plan(at, Request(program="x.py", workers=2, runner=runner))
    assert ("tiny: of MPI alone" in made.notes) is holds


def test_mpi4py_is_seldom_in_a_sites_python() -> None:
    """Said where no page says that it is there, no note of the site's says how it comes, and a program of Python needs it."""

    def said(site: str, **asked: Any) -> str:
        return next(
            (text.partition(" must be installed")[0] for text in notes(site, **asked) if "must be installed" in text), ""
        )

    assert said("gadi", workload="mpi") == "mpi4py"
    assert said("gadi") == "mpi4py, dask, distributed and dask-mpi"
    assert said("gadi", runner="local") == said("vaughan", runner="local") == "dask, distributed and dask-mpi"
    assert any("--conda NAME uses it" in text for text in notes("kestrel", workload="mpi"))
    for site, asked in (
        ("gadi", {"venv": "v"}),
        ("gadi", {"program": "./solver"}),
        ("mahuika", {}),
        ("local", {}),
        ("vaughan", {}),
    ):
        assert said(site, **({"workload": "mpi"} if "program" in asked else {}), **asked) == ""


@pytest.mark.parametrize(
    ("site", "asked", "told"),
    [
        (
            "derecho",
            {"workload": "mpi", "mpi": "pmi2"},
            "--mpi pmi2: it has no effect: only srun takes it, and pals starts the ranks",
        ),
        (
            "mahuika",
            {"workload": "serial", "mpi": "pmi2"},
            "--mpi pmi2: it has no effect: only srun takes it, and this workload has no MPI ranks",
        ),
        (
            "mahuika",
            {"workload": "mpi", "program": "./solver", "python": "py"},
            "--python py: it has no effect: only programs that end in .py",
        ),
        ("local", {"mpi": "pmix"}, "--mpi pmix: it has no effect: only srun takes it, and mpiexec starts the ranks"),
        ("local", {"workload": "serial", "job_name": "x"}, "--job-name, --account: no effect here"),
    ],
)
def test_a_note_on_an_option_without_effect(site: str, asked: Any, told: str) -> None:
    assert any(text.startswith(told) for text in notes(site, **asked))


@pytest.mark.parametrize(
    ("site", "asked"),
    [
        ("mahuika", {"workload": "mpi", "mpi": "pmi2", "python": "py"}),
        ("derecho", {"mpi": "pmi2", "python": "py"}),
        ("mahuika", {"workload": "mpi", "program": "./solver", "ntasks": 4, "mpmd": ["1: a.py"], "python": "py"}),
    ],
)
def test_nothing_is_said_of_what_is_used(site: str, asked: Any) -> None:
    assert not any("no effect" in text for text in notes(site, **asked))


@pytest.mark.parametrize("asked", [{"workers": 4}, {"workers": 4, "runner": "local"}, {"workload": "ray"}])
def test_a_disk_as_large_as_it_is_asked_for(asked: Any) -> None:
    assert any("--tmp sets its size" in text for text in notes("gadi", **asked))
    assert not any("--tmp sets" in text for text in notes("gadi", tmp="50G", **asked))
    assert not any("--tmp sets" in text for text in notes("kestrel", **asked))


def test_what_a_site_says_of_dask_mpi_is_for_mpi() -> None:
    assert any("install mpi4py" in text for text in notes("kestrel", workers=4))
    assert not any("install mpi4py" in text for text in notes("kestrel", workers=4, runner="local"))


def test_one_process_has_no_ranks() -> None:
    at, asked = load("gadi"), {"account": "a1", "program": "x.py", "workers": 4, "tmp": "9G"}
    alone = render(plan(at, merge([Layer("flag", "command line", {**asked, "runner": "local"}, strict=False)])))
    many = render(plan(at, merge([Layer("flag", "command line", asked, strict=False)])))
    assert "# One process on one node" in alone and "# Rank 0 is" not in alone
    assert "# Rank 0 is" in many and "# One process on one node" not in many


def test_a_type_of_gpu_that_the_site_has_not() -> None:
    with pytest.raises(RequestError, match=r"^--gpus v100:1: Mahuika has no v100 GPUs; it has a100, h100, l4, pro_6000 "):
        plan(load("mahuika"), Request(workload="serial", account="a", program="x.py", gpus=Token("v100:1")))


def test_gpus_are_no_workload() -> None:
    with pytest.raises(RequestError, match="--workload serial --gpus 1"):
        plan(load("kestrel"), Request(workload="gpu", account="a"))


def started(flavour: str, container: Any = (), image: Any = "x.sif", **asked: Any) -> Any:
    """The job of a site that starts MPI by mpirun: its script's lines, and what is said beside it."""
    tables = tiny.tables(modules={"mpi": ["lib/3"], "container": container})
    tables["mpi"] = {"flavour": flavour, "launcher": "mpirun", "source": "docs"}
    made = plan(decode("tiny", tables, "tiny.toml"), Request(workload="mpi", program="./x", ntasks=4, image=image, **asked))
    return render(made).splitlines(), [note for note in made.notes if "not setuid" in note]


def test_a_job_in_an_image_loads_the_mpi_of_its_launcher() -> None:
    """Without it the script ended with `mpirun: command not found`; a module for containers may bring its own."""
    assert "module load lib/3" in started("intel")[0]
    lines = started("intel", ["tool", "lib/4"])[0]
    assert "module load lib/4" in lines and "module load lib/3" not in lines
    by_srun = plan(tiny.site(modules={"mpi": ["lib/3"]}), Request(workload="mpi", program="./x", image="x.sif"))
    assert "module load lib/3" not in render(by_srun)


def test_a_rank_that_crashes_in_an_image() -> None:
    """Intel's Hydra is told to end the others so that Apptainer can unmount; MPICH's cannot be, and a note says so."""
    line = "export I_MPI_JOB_ABORT_SIGNAL=15"
    assert line in started("intel")[0]
    assert line not in started("intel", image=None)[0] + started("mpich")[0] + started("openmpi")[0]
    own = started("intel", env={"I_MPI_JOB_ABORT_SIGNAL": "9"})[0]
    assert line not in own and "export I_MPI_JOB_ABORT_SIGNAL=9" in own
    assert [len(started(kind)[1]) for kind in ("mpich", "intel", "openmpi")] == [1, 0, 0]
    assert started("mpich", image=None)[1] == []


def test_open_mpi_hands_on_what_the_container_reads() -> None:
    assert "mpirun -x APPTAINER_BIND -x OMP_NUM_THREADS -n 4 apptainer exec x.sif ./x" in started("openmpi")[0]


@pytest.mark.parametrize(
    "asked, warned",
    [
        ({"workload": "serial"}, True), ({"workload": "mpi", "ntasks": 2}, False), ({"runner": "local"}, True),
        ({"workload": "serial", "signal": "B:USR1@60"}, False),
    ],
)  # fmt: skip
def test_a_signal_that_the_program_does_not_get(asked: Dict[str, Any], warned: bool) -> None:
    found = notes("mahuika", **{"signal": "USR1@60", **asked})
    assert any(text.startswith("--signal USR1@60: the program does not get it: ") for text in found) is warned


def test_options_are_named_as_they_were_given() -> None:
    said = notes("local", workload="serial", exclusive=False, requeue=False)
    assert any(text.startswith("--account, --no-exclusive, --no-requeue: no effect here") for text in said), said
    notes("mahuika", workload="serial", hetjob=False, symmetric_run=False)  # what is switched off is not refused
    with pytest.raises(RequestError, match="--workers"):
        notes("mahuika", workload="serial", workers=0)
    for asked, words in (
        ({"bind": ["/a"]}, "--bind: this needs a container"),
        ({"container_verb": "run"}, "--container-verb: this needs a container"),
        ({"bind": ["/a"], "container_verb": "run"}, "--bind and --container-verb: these need a container"),
        ({"kill_on_bad_exit": False}, "--no-kill-on-bad-exit: only srun"),
    ):
        with pytest.raises(RequestError, match=words):
            notes("gadi" if "kill_on_bad_exit" in asked else "mahuika", workload="mpi", **asked)


@pytest.mark.parametrize("site", ["derecho", "summit", "polaris"])
@pytest.mark.parametrize("asked", [{"mem": "7G"}, {"mem_per_cpu": "2G"}, {"mem_per_gpu": "4G", "gpus_per_node": "1"}])
def test_memory_that_the_script_does_not_request(site: str, asked: Any) -> None:
    more = {"resource": {"filesystems": "home"}, "partition": "debug"} if site == "polaris" else {}
    ((name, value), *_) = asked.items()
    words = f"--{name.replace('_', '-')} {value}: the script does not request it: {site} gives this job nodes"
    assert any(text.startswith(words) for text in notes(site, workload="serial", **asked, **more))
    assert not any("does not request" in text for text in notes(site, workload="serial", **more))


def test_memory_on_shared_nodes_is_requested() -> None:
    assert not any("does not request" in text for text in notes("derecho", workload="serial", mem="7G", partition="develop"))


@pytest.mark.parametrize("site", ["derecho", "summit", "tuolumne"])
def test_whole_nodes_cannot_be_switched_off(site: str) -> None:
    with pytest.raises(RequestError, match=rf"^--no-exclusive: {site} gives this job whole nodes \[.*\]: leave it out") as why:
        notes(site, workload="serial", exclusive=False)
    assert ("develop" in str(why.value)) is (site == "derecho")
    config = Layer("config", "config.toml", {"account": "a1", "program": "x.py", "workload": "serial", "exclusive": False})
    assert plan(load(site), merge([config])).components[0].whole_node_cpus, "a default for all sites is no request"


def test_shared_nodes_take_no_exclusive() -> None:
    notes("derecho", workload="serial", exclusive=False, partition="develop")
