"""What is particular to PBS, Grid Engine, LSF and Flux: dialects, refusals with their alternatives, flattening, submission."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest
from grammar import launch
from parts import story, to_launchers
from stubs import flags
from test_parsed import MACHINE, NODES, SITES, SLOTS, SOURCES, machine

from hpcgen import Job, LimitError, RequestError, SiteError, cli, load, plan, render, schedulers
from hpcgen.launch.launchers import launch as launch_line
from hpcgen.profiles.load import decode
from hpcgen.script.explain import explain

GPUS = {**SITES["gadi"]["partitions"], "gpus": {**SITES["gadi"]["partitions"]["gpus"], "cpus_per_gpu": 12}}
GADI = {**SITES["gadi"], "partitions": GPUS}
UCL = {
    **machine("sge", {**SLOTS, "constraint": "-ac allow="}, launcher="gerun"),
    "mpi": {"flavour": "intel", "launcher": "gerun", "source": "x"},
}
TYPES = {
    **machine("sge", {"style": "node-types", "account": "-g"}),
    "nodes": {
        name: {"cores": cores, "gpus": gpus, "source": "x"}
        for name, cores, gpus in (
            ("node_f", 192, 4),
            ("node_q", 48, 1),
            ("gpu_1", 8, 1),
            ("cpu_4", 4, 0),
            ("cpu_16", 16, 0),
            ("cpu_40", 40, 0),
        )
    },
    "partitions": {
        name: {"nodes": [name], "source": "x"} for name in ("node_f", "node_q", "gpu_1", "cpu_4", "cpu_16", "cpu_40")
    },
}
ALL = {
    **SITES,
    "gadi": GADI,
    "ucl": UCL,
    "tsubame": TYPES,
    "lsf in GB": machine("lsf", {"cpus": "affinity", "memory_per": "slot", "memory_unit": "GB"}),
}


def job(kind: str, **asked: Any) -> Job:
    return plan(decode("stub", ALL[kind], "stub.toml"), flags(**{"program": "x.py", **asked}))


def directives(kind: str, **asked: Any) -> List[str]:
    """The directives without their marks."""
    made = job(kind, **asked)
    mark = str(schedulers.get(made.scheduler).directive)
    return [line[len(mark) + 1 :] for line in render(made).splitlines() if line.startswith(f"{mark} ")]


def launched(kind: str, **asked: Any) -> str:
    made = job(kind, **asked)
    return re.sub(r"(?<!\\)\n +", "\n", launch_line(made, made.steps[0]))


def refused(kind: str, **asked: Any) -> str:
    with pytest.raises(RequestError) as caught:
        job(kind, **asked)
    return str(caught.value)


MPI: Dict[str, Any] = {"workload": "mpi"}


def test_gadi_takes_whole_nodes_above_one_and_says_what_is_idle() -> None:
    assert "-l ncpus=20" in directives("gadi", account="ab12", ntasks=20, **MPI)
    assert {"-l ncpus=96", "-l mem=60gb"} <= set(directives("gadi", account="ab12", ntasks=60, **MPI))
    notes = job("gadi", account="ab12", ntasks=60, time="2h", **MPI).notes
    idle = "36 CPUs stay idle, 72 core-hours in 02:00:00"
    assert f"the job gets 2 whole nodes of 48 CPUs for 60 tasks of 1 (task): {idle}" in notes
    handed = "-x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND"
    made = render(job("gadi", account="a", ntasks=24, cpus_per_task=4, **MPI))
    assert f"mpirun {handed} --map-by ppr:12:node:PE=4 -n 24 python x.py" in made


def test_gadi_gives_cpus_with_gpus() -> None:
    said = directives("gadi", account="ab12", gpus="2", workload="serial")
    assert {"-q gpus", "-l ncpus=24", "-l ngpus=2", "-l storage=gdata/ab12+scratch/ab12", "-l wd", "-P ab12"} <= set(said)
    with pytest.raises(
        LimitError,
        match=r"--cpus-per-task 30: .* 30 CPUs with 2 GPUs, and partition gpus gives 12 CPUs per GPU .*: use --gpus 3",
    ):
        job("gadi", account="a", gpus="2", cpus_per_task=30, workload="serial")


def test_resources_asked_for_take_the_place_of_the_sites() -> None:
    said = directives("gadi", account="ab12", resource={"storage": "gdata/xy34", "software": "matlab"}, workload="serial")
    assert (
        "-l storage=gdata/xy34" in said and "-l software=matlab" in said and len([one for one in said if "storage" in one]) == 1
    )


def test_chunks_are_dealt_out_evenly_and_know_their_ranks() -> None:
    said = directives("pbs", ntasks=10, nodes=4, cpus_per_task=2, mem_per_cpu="1G", **MPI)
    assert "-l select=2:ncpus=6:mpiprocs=3:ompthreads=2:mem=6gb+2:ncpus=4:mpiprocs=2:ompthreads=2:mem=4gb" in said
    assert "-l place=scatter" in said
    assert "-l select=4:ncpus=1:mpiprocs=1:ompthreads=1:mem=1gb" in directives("pbs", ntasks=4, **MPI)


def test_tasks_on_each_node_as_asked_and_the_rest_on_the_last() -> None:
    said = directives("pbs", ntasks=9, ntasks_per_node=4, mem_per_cpu="1G", **MPI)
    assert "-l select=2:ncpus=4:mpiprocs=4:ompthreads=1:mem=4gb+1:ncpus=1:mpiprocs=1:ompthreads=1:mem=1gb" in said


def test_chunks_are_only_scattered_over_several_nodes() -> None:
    assert not [one for one in directives("pbs", ntasks=4, nodes=1, **MPI) if "place" in one]


def test_all_memory_is_that_of_the_smallest_node_where_all_are_known() -> None:
    assert [one for one in directives("pbs", workload="serial", mem="0") if ":mem=192gb" in one]
    nodes = {**NODES, "old": {"cores": 48, "source": "x"}}
    normal = {**SITES["pbs"]["partitions"]["normal"], "nodes": ["thin", "old"]}
    at = decode("stub", {**SITES["pbs"], "nodes": nodes, "partitions": {"normal": normal}}, "stub.toml")
    with pytest.raises(RequestError, match="--mem 0: PBS cannot request all memory"):
        plan(at, flags(program="x.py", workload="serial", mem="0"))


def test_amounts_that_do_not_divide_are_rounded_up() -> None:
    assert "-l mem=3414M" in directives("sge", workload="serial", cpus_per_task=3, mem="10G")
    assert '-R "span[hosts=1] rusage[mem=2] affinity[core(1)]"' in directives("lsf in GB", workload="serial", mem="1500M")


@pytest.mark.parametrize(("kind", "most"), [("pbs", 230), ("sge", 512), ("flux", 100)])
def test_a_name_as_long_as_the_scheduler_takes(kind: str, most: int) -> None:
    assert job(kind, workload="serial", job_name="n" * most).name == "n" * most
    assert f"takes at most {most} characters" in refused(kind, workload="serial", job_name="n" * (most + 1))


def test_a_heterogeneous_job_of_chunks() -> None:
    asked: Dict[str, Any] = {"hetjob": True, "workers": 3, "cpus_per_worker": 4, "mem_per_cpu": "3G"}
    chunks = "2:ncpus=1:mpiprocs=1:ompthreads=1:mem=1gb+3:ncpus=4:mpiprocs=1:ompthreads=4:mem=12gb"
    assert f"-l select={chunks}" in directives("pbs", **asked)
    parts = launch.parse(launched("pbs", **asked).replace(" \\\n", " "), "openmpi")
    assert [part.ranks for part in parts] == [2, 3] and parts[0].options == (("--bind-to", "none"),)
    told = to_launchers(job("pbs", **asked))
    assert [one.get("dask", {}).get("nthreads") for one in told] == [None, 4]
    compound = "2*{rusage[mem=1GB] affinity[core(1)]} + 3*{rusage[mem=12GB] affinity[core(4)]}"
    assert f'-R "{compound}"' in directives("lsf", **asked)


def test_components_of_one_queue_have_it_for_one_reason() -> None:
    whys = [c.origins["partition"] for c in job("pbs", hetjob=True, workers=3).components]
    assert whys[0] == whys[1] and whys[0].text == "the site's default"


def test_polaris_names_its_system_and_no_more() -> None:
    assert "-l select=2:system=polaris" in directives("polaris", ntasks=24, cpus_per_task=4, **MPI)
    assert (
        launched("polaris", ntasks=24, cpus_per_task=4, **MPI)
        == "mpiexec -n 24 --ppn 12 --depth 4 --cpu-bind depth python x.py"
    )


@pytest.mark.parametrize("kind", ["gadi", "torque", "sge", "flux", "summit"])
def test_what_cannot_be_heterogeneous_is_flattened_when_asked_to(kind: str) -> None:
    asked: Dict[str, Any] = {"hetjob": True, "workers": 3, "cpus_per_worker": 4, "time": "2h", "account": "a", "nodes": 1}
    assert "--flatten" in refused(kind, **asked)
    made = job(kind, **asked, flatten=True)
    assert [(c.ntasks, c.cpus_per_task) for c in made.components] == [(5, 4)]
    assert any(
        "scheduler and client get 4 CPUs each, as a worker does, in place of 1: 6 CPUs more, 12 core-hours" in note
        for note in made.notes
    )
    assert "--hetjob" in made.header[1] and "--flatten" in made.header[1]
    made = job(kind, **{**asked, "cpus_per_worker": 1}, flatten=True)
    (note,) = (note for note in made.notes if note.startswith("--flatten"))
    assert note.endswith("scheduler and client get 1 CPU each, as a worker does"), note


def test_flatten_does_nothing_where_the_job_can_be_said() -> None:
    assert len(job("pbs", hetjob=True, flatten=True).components) == 2


def test_tsubame_asks_for_types_of_node() -> None:
    made = job("tsubame", ntasks=8, cpus_per_task=48, account="grp", partition="node_f", **MPI)
    assert "-l node_f=2" in directives("tsubame", ntasks=8, cpus_per_task=48, partition="node_f", account="grp", **MPI)
    assert schedulers.get(made.scheduler).on_command_line(made) == ("-g", "grp") and "grp" not in "".join(
        render(made).split("\n#$ ", 1)[1:]
    )
    assert render(made).splitlines()[3] == "# submit by hand: qsub -g grp job.sh"
    assert "by hand" not in render(job("tsubame", ntasks=8, partition="node_f", **MPI)) + render(
        job("sge", account="grp", **MPI)
    )
    hostile = render(job("tsubame", ntasks=8, partition="node_f", account="a|b", **MPI))
    assert "# submit by hand: qsub -g 'a|b' job.sh\n" in hostile


def test_the_type_of_node_is_that_of_which_fewest_are_needed() -> None:
    asked: Dict[str, Any] = {"account": "g"}
    assert "-l cpu_16=1" in directives("tsubame", ntasks=16, **MPI, **asked)
    assert "-l cpu_40=2" in directives("tsubame", ntasks=60, **MPI, **asked)
    assert "-l gpu_1=1" in directives("tsubame", workload="serial", cpus_per_task=8, gpus="1", **asked)
    assert "-l node_q=1" in directives("tsubame", workload="serial", cpus_per_task=16, gpus="1", **asked)
    assert "-l node_f=2" in directives(
        "tsubame", nodes=2, ntasks_per_node=4, cpus_per_task=48, gpus_per_node="4", **MPI, **asked
    )


def test_gerun_counts_ranks_itself_and_reads_words_twice() -> None:
    assert launched("ucl", ntasks=8, **MPI) == "gerun python x.py"
    text = launched("ucl", ntasks=8, args=["a b", "$x"], **MPI)
    assert text.splitlines()[1] == 'gerun bash "hpcgen-$JOB_ID.sh"' and "--constraint" not in text
    assert "-ac allow=EF" in directives("ucl", ntasks=8, constraint="EF", **MPI)


def test_gerun_is_told_of_cpus_and_dask_of_one_thread() -> None:
    text = launched("ucl", workers=6, cpus_per_worker=3).splitlines()
    assert text[-1] == 'OMP_NUM_THREADS=3 gerun bash "hpcgen-$JOB_ID.sh"' and "'env OMP_NUM_THREADS=1 python -c" in text[-2]
    assert "-pe mpi 24" in directives("ucl", workers=6, cpus_per_worker=3)
    assert launched("ucl", ntasks=8, cpus_per_task=3, **MPI) == "gerun python x.py"


def test_words_arrive_through_a_wrapper_that_reads_them_anew(tmp_path: Path) -> None:
    """A gerun that gives its words to a shell once more, as such wrappers do."""
    args = ["a b", "$HOME", "*", "it's", '"', "`id`", "", "x\ny", ":", "\\"]
    for name, text in {
        "gerun": '#!/bin/bash\neval "$*"\n',
        "prog": '#!/bin/bash\nprintf "%s\\0" "$@" > got\n',
        "module": "#!/bin/bash\n",
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    made = job("ucl", ntasks=2, program="./prog", args=args, **MPI)
    (tmp_path / "job.sh").write_text(render(made))
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "JOB_ID": "7"}
    subprocess.run(["bash", "-e", "job.sh"], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "got").read_bytes().decode().split("\0")[:-1] == args


REFUSALS = [
    ("pbs", {"signal": "USR1@60"}, "SIGTERM"),
    ("pbs", {"reservation": "r1"}, "--partition"),
    ("pbs", {"comment": "x"}, "--comment"),
    ("pbs", {"output": "a.%j"}, "ends in '/'"),
    ("pbs", {"output": "a b"}, "no spaces"),
    ("pbs", {"array": "1,3"}, "1-10"),
    ("pbs", {"array": "5"}, "5-6"),
    ("pbs", {"array": "9-3"}, "write 3-9"),
    ("pbs", {"array": "1-3", "requeue": False}, "can always rerun"),
    ("pbs", {"mail_type": "REQUEUE"}, "BEGIN, END, FAIL"),
    ("pbs", {"dependency": "singleton"}, "afterok:1234"),
    ("pbs", {"constraint": "fast"}, "cpu_type=milan"),
    ("pbs", {"gpus": "h100:1"}, "leave it out"),
    ("pbs", {"job_name": "a b"}, "letters, digits"),
    ("pbs", {"directive": ["-l walltime=1:00"]}, "has this already"),
    ("pbs", {"resource": {"select": "2"}}, "own option for it"),
    ("pbs", {"mem": "3G", "workload": "mpi", "ntasks": 4}, "--mem-per-cpu"),
    ("pbs", {"qos": "a", "licenses": "m"}, "--resource"),
    ("pbs", {"workload": "mpi", "kill_on_bad_exit": True}, "only srun has this option"),
    ("torque", {"workload": "mpi", "ntasks": 4, "cpus_per_task": 2}, "--nodes"),
    ("torque", {"array": "9-3"}, "write 3-9"),
    ("torque", {"exclusive": True}, "all CPUs"),
    ("gadi", {"nodelist": "n1"}, "--nodelist"),
    ("gadi", {"workload": "dask-mpi", "hetjob": True, "runner": "local"}, "one process on one node"),
    ("sge", {"dependency": "afterok:1"}, "afterany"),
    ("sge", {"array": "0-9"}, "1-10"),
    ("sge", {"array": "1-9:0"}, "write 1-9"),
    ("sge", {"job_name": "none"}, "choose another"),
    ("sge", {"open_mode": "truncate"}, "%j"),
    ("sge", {"workload": "mpi", "nodes": 2, "ntasks": 4}, "leave it out"),
    ("sge", {"workload": "mpi", "ntasks": 60, "cpus_per_task": 2}, "--nodes 1"),
    ("sge", {"signal": "TERM@60"}, "USR1"),
    ("sge", {"reservation": "mine"}, "qrstat"),
    ("sge", {"constraint": "a"}, "--resource"),
    ("lsf", {"signal": "USR1@90"}, "USR1@120"),
    ("lsf", {"mail_type": "FAIL"}, "END,FAIL"),
    ("lsf", {"resource": {"a": "1"}}, "rusage[a=1]"),
    ("lsf", {"array": "0-9"}, "counts from 1"),
    ("lsf", {"workload": "mpi", "ntasks": 8, "gpus_per_task": "1"}, "give --nodes"),
    ("lsf", {"array": "1,9-3"}, "write 3-9"),
    ("lsf", {"workload": "dask-mpi", "hetjob": True, "gpus_per_task": "1"}, "leave it out"),
    ("summit", {"tmp": "1G"}, "--tmp"),
    ("summit", {"workload": "mpi", "ntasks": 4, "gpus": "2"}, "--gpus-per-task"),
    ("flux", {"array": "1-9"}, "--cc"),
    ("flux", {"mail_type": "END"}, "--mail-type"),
    ("flux", {"exclusive": True, "workload": "mpi"}, "--nodes"),
    ("flux", {"workload": "mpi", "args": ["{{id}}"]}, "into a file"),
    ("flux", {"gpus": "a100:1"}, "--constraint"),
    ("sge", {"chdir": "a b"}, "--chdir a b: Grid Engine takes no spaces"),
    ("sge", {"chdir": "a'b"}, "--chdir a'b: Grid Engine takes no spaces"),
    ("sge", {"chdir": "~/x"}, "--chdir ~/x: Grid Engine does not expand '~'"),
    ("lsf", {"chdir": "~/x"}, "--chdir ~/x: LSF does not expand '~'"),
    ("flux", {"chdir": "~/x"}, "--chdir ~/x: Flux does not expand '~'"),
]


@pytest.mark.parametrize(("kind", "asked", "words"), REFUSALS, ids=lambda value: str(value)[:40])
def test_what_cannot_be_said_is_refused_with_what_to_do(kind: str, asked: Dict[str, Any], words: str) -> None:
    text = refused(kind, **{"workload": "serial", "account": "a", **asked})
    assert words in text and all(line.startswith(("--", "program")) for line in text.splitlines()), text


@pytest.mark.parametrize(
    ("kind", "name"), [("pbs", "PBS_ARRAY_INDEX"), ("torque", "PBS_ARRAYID"), ("sge", "SGE_TASK_ID"), ("lsf", "LSB_JOBINDEX")]
)
def test_an_arrays_index_has_another_name(kind: str, name: str) -> None:
    assert f"each job of the array finds its index in ${name}" in job(kind, workload="serial", array="1-3").notes


def test_flux_says_that_memory_means_nothing_to_it() -> None:
    assert any(
        note.startswith("--mem: no effect, because Flux does not limit the memory")
        for note in job("flux", mem="3G", workload="serial").notes
    )


def test_one_queue_for_all_components() -> None:
    small = {
        **SITES["pbs"],
        "partitions": {"small": {"nodes": ["thin"], "max_cpus": 8, "source": "x"}, **SITES["pbs"]["partitions"]},
    }
    made = plan(decode("stub", small, "stub.toml"), flags(program="x.py", hetjob=True, workers=9, cpus_per_worker=4))
    assert [c.partition for c in made.components] == ["normal", "normal"]


def test_the_components_are_one_job_to_the_limits_of_a_queue() -> None:
    queue = {"debug": {"nodes": ["thin"], "max_nodes": 2, "source": "x"}}
    tables = decode("stub", {**SITES["polaris"], "partitions": queue}, "stub.toml")
    assert len(plan(tables, flags(program="x.py", hetjob=True, workers=48)).components) == 2
    with pytest.raises(LimitError, match=r"--hetjob: .* 3 nodes together, and partition debug allows at most 2 per job"):
        plan(tables, flags(program="x.py", hetjob=True, workers=49))


def test_a_table_of_another_scheduler_is_a_fault() -> None:
    with pytest.raises(SiteError, match="sge: the scheduler is pbs"):
        decode("stub", {**SITES["pbs"], "sge": {"memory": "mem", "source": "x"}}, "stub.toml")
    with pytest.raises(SiteError, match=r"pbs.style.*did you mean 'chunks'"):
        decode("stub", {**SITES["pbs"], "pbs": {"style": "chunk", "source": "x"}}, "stub.toml")


def test_a_table_needs_a_source() -> None:
    with pytest.raises(SiteError, match="pbs: no 'source' for chunk_keys"):
        decode("stub", {**MACHINE, "sources": SOURCES, "nodes": NODES, "scheduler": {"type": "pbs", "source": "x"},
                        "pbs": {"chunk_keys": []}}, "stub.toml")  # fmt: skip


FULL: Dict[str, Any] = {
    "workload": "mpi", "ntasks": 96, "account": "ab12", "mem_per_cpu": "1G", "time": "2h", "export": "A=b", "chdir": "/w",
    "dependency": "afterany:7", "error": "e.txt",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(ALL))
def test_every_directive_says_why(kind: str) -> None:
    asked = {**FULL, "partition": "node_f"} if kind == "tsubame" else FULL
    made = job(kind, **asked)
    lines = explain(made)
    assert "\n".join(line.text for line in lines) + "\n" == render(made)
    mark = str(schedulers.get(made.scheduler).directive)
    silent = [line.text for line in lines if line.text.startswith(f"{mark} ") and not line.origins]
    allowed = {"# flux: --env=-*", "# flux: --env=A=b", f"{mark} -l place=scatter"}
    assert set(silent) <= allowed, silent


@pytest.mark.parametrize("kind", sorted(ALL))
def test_a_job_is_the_same_from_json(kind: str) -> None:
    made = job(kind, **({**FULL, "partition": "node_f"} if kind == "tsubame" else FULL))
    assert Job.from_json(made.to_json()) == made and render(Job.from_json(made.to_json())) == render(made)


ANSWERS = {
    "pbs": ("qsub", "1234[].gadi-pbs\n", "1234[].gadi-pbs", ["job.sh"]),
    "sge": ("qsub", "77.1-10:1\n", "77", ["-terse", "job.sh"]),
    "tsubame": ("qsub", "78\n", "78", ["-terse", "-g", "grp", "job.sh"]),
    "lsf": ("bsub", "Job <995> is submitted to queue <normal>.\n", "995", []),
    "flux": ("flux", "ƒM7Zq9AKHno\n", "ƒM7Zq9AKHno", ["batch", "job.sh"]),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_submit(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    """The script reaches the scheduler's command, clean of a surrounding job, and the id comes out of what that prints."""
    command, answer, number, words = ANSWERS[kind]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / command).write_text(
        f"#!/bin/bash\nprintf '%s\\n' \"$@\" > {tmp_path}/args\n"
        f"cat > {tmp_path}/stdin\nenv > {tmp_path}/env\nprintf '%b' '{answer}'\n"
    )
    (tmp_path / "bin" / command).chmod(0o755)
    tables = dict(ALL[kind])
    (tmp_path / "stub.toml").write_text(toml(tables))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    for name in ("PBS_JOBID", "SGE_TASK_ID", "NSLOTS", "LSB_JOBID", "FLUX_JOB_ID", "OMPI_COMM_WORLD_RANK"):
        monkeypatch.setenv(name, "1")
    more = ["--partition", "node_f"] if kind == "tsubame" else []
    status = cli.status(["submit", "--site", "stub.toml", "-w", "job.sh", "--workload", "serial", "-A", "grp", *more, "x.py"])
    out, err = capfd.readouterr()
    assert (status, out.strip()) == (0, number), err
    assert (tmp_path / "args").read_text().split() == words
    assert (tmp_path / "stdin").read_text() == ((tmp_path / "job.sh").read_text() if kind == "lsf" else "")
    left = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    own = {"pbs": "PBS_JOBID", "sge": "NSLOTS", "tsubame": "SGE_TASK_ID", "lsf": "LSB_JOBID", "flux": "FLUX_JOB_ID"}[kind]
    assert own not in left and "OMPI_COMM_WORLD_RANK" not in left and os.environ["HOME"] and "HOME" in left


@pytest.mark.parametrize(("kind", "can"), [("pbs", False), ("lsf", False), ("sge", True), ("flux", True)])
def test_test_only(kind: str, can: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    (tmp_path / "stub.toml").write_text(toml(ALL[kind]))
    (tmp_path / ("qsub" if kind == "sge" else "flux")).write_text('#!/bin/bash\necho "looked at $*"\n')
    for path in tmp_path.glob("[qf]*"):
        path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    status = cli.status(["submit", "--test-only", "--site", "stub.toml", "--workload", "serial", "x.py"])
    out, err = capfd.readouterr()
    assert (status, "looked at" in out) == ((0, True) if can else (2, False)), err
    assert can or "cannot check a script" in err


def toml(tables: Dict[str, Any], place: str = "") -> str:
    """Tables as TOML."""
    plain = {key: value for key, value in tables.items() if not isinstance(value, dict)}
    lines = [f"{key} = {value if key == 'date' else json.dumps(value)}\n" for key, value in plain.items()]
    for key, value in tables.items():
        if isinstance(value, dict):
            lines.append(f"[{place}{key}]\n" + toml(value, f"{place}{key}."))
    return "".join(lines)


def at(name: str, **asked: Any) -> Job:
    """A job of this site's own profile."""
    return plan(load(name), flags(**{"program": "x.py", "account": "abc", **asked}))


def select(made: Job) -> str:
    return next(line[15:] for line in render(made).splitlines() if line.startswith("#PBS -l select="))


def test_a_job_without_gpus_gets_whole_nodes_without() -> None:
    assert select(at("derecho", workload="serial", cpus_per_task=4)) == "1:ncpus=128:mpiprocs=1:ompthreads=4"
    assert "ncpus=64" in select(at("derecho", workload="serial", cpus_per_task=4, gpus="1"))
    assert "ncpus=64" in select(at("derecho", workload="serial", mem="400G"))  # which no node without GPUs has


def test_chunks_that_say_the_same_are_one() -> None:
    asked: Dict[str, Any] = {**MPI, "ntasks": 5, "nodes": 4}
    assert "-l select=4:system=polaris" in directives("polaris", **asked)
    assert select(at("derecho", **asked)) == "1:ncpus=128:mpiprocs=2:ompthreads=1+3:ncpus=128:mpiprocs=1:ompthreads=1"


def test_cpus_that_come_with_gpus_are_asked_for_in_chunks() -> None:
    """NSCC's rule is 16 CPUs a GPU: a task alone has them as its threads, unless it was asked for fewer."""
    alone = at("aspire2a", workload="serial", gpus="1", mem="110G")
    assert select(alone) == "1:ncpus=16:mpiprocs=1:ompthreads=16:mem=110gb:ngpus=1"
    assert "export OMP_NUM_THREADS=16\n" in render(alone) and not any("idle" in note for note in alone.notes)
    fewer = at("aspire2a", workload="serial", gpus="1", mem="110G", cpus_per_task=1)
    assert select(fewer) == "1:ncpus=16:mpiprocs=1:ompthreads=1:mem=110gb:ngpus=1"
    assert "export OMP_NUM_THREADS=1\n" in render(fewer) and any("15 CPUs stay idle" in note for note in fewer.notes)
    each = at("aspire2a", ntasks=8, gpus_per_task="1", mem_per_cpu="1G", **MPI)
    assert select(each) == "8:ncpus=16:mpiprocs=1:ompthreads=1:mem=1gb:ngpus=1"
    nodes = at("aspire2a", nodes=2, ntasks_per_node=4, gpus_per_node="2", mem="8G", **MPI)
    assert select(nodes) == "2:ncpus=32:mpiprocs=4:ompthreads=1:mem=8gb:ngpus=2"
    told = at("aspire2a", workload="serial", gpus="1", env={"OMP_NUM_THREADS": "3"})
    assert "OMP_NUM_THREADS=3\n" in render(told) and "OMP_NUM_THREADS=16" not in render(told)
    gadi = render(at("gadi", workload="serial", gpus="2"))
    assert "ncpus=24\n" in gadi and "OMP_NUM_THREADS=24\n" in gadi


@pytest.mark.parametrize("name", ["derecho", "aspire2a", "tsubame4"])
def test_a_type_that_all_gpus_of_a_queue_have_need_not_be_said(name: str) -> None:
    kind = "h100" if name == "tsubame4" else "a100"
    made = at(name, workload="serial", gpus=f"{kind}:1", time="1h")
    script = render(made).replace(made.header[1], "")
    assert script == render(plain := at(name, workload="serial", gpus="1", time="1h")).replace(plain.header[1], "")
    where = f"partition {made.components[0].partition}"
    assert f"the script does not name the GPU type {kind}: all GPUs of {where} have this type" in made.notes
    with pytest.raises(RequestError, match="v100"):
        at(name, workload="serial", gpus="v100:1")


def test_a_type_that_only_some_gpus_have_is_still_refused() -> None:
    """Also where nothing says what the others are."""
    for other in ({"gpu": "h100"}, {}):
        nodes = {
            "a": {"cores": 8, "gpus": 2, "gpu": "a100", "source": "x"},
            "b": {"cores": 8, "gpus": 2, "source": "x", **other},
        }
        tables = {**SITES["pbs"], "nodes": nodes, "partitions": {"q": {"nodes": ["a", "b"], "source": "x"}}}
        with pytest.raises(RequestError, match="no resource for GPU types"):
            plan(decode("stub", tables, "stub.toml"), flags(program="x.py", workload="serial", gpus="a100:1"))


def test_only_whole_nodes_come_with_their_memory_unasked() -> None:
    asked: Dict[str, Any] = {**MPI, "ntasks": 2, "cpus_per_task": 4, "mem_per_cpu": "3G"}
    assert select(at("derecho", partition="develop", **asked)) == "2:ncpus=4:mpiprocs=1:ompthreads=4:mem=12gb"
    assert "mem=" not in select(at("derecho", **asked)) and "mem=" not in " ".join(directives("polaris", **asked))


@pytest.mark.parametrize("asked", [{"workload": "serial"}, {"runner": "local", "workers": 2}], ids=["serial", "local"])
def test_one_process_is_not_left_on_a_launch_node(asked: Dict[str, Any]) -> None:
    """Summit's scripts run on a node that all jobs share: jsrun takes even one process to the job's own."""
    values = {"program": "x.py", "account": "a", **asked}
    text = render(plan(load("summit"), flags(**values)))
    assert story(text).splitlines()[-1].startswith("jsrun -n 1 -a 1 ")
