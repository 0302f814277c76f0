"""What plan lays out, chooses and refuses."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from parts import story, to_launchers
from tiny import TABLES, site, tables

from hpcgen import Job, LimitError, Request, RequestError, plan, render
from hpcgen.base.kinds import Line, Token
from hpcgen.base.units import Memory, Time
from hpcgen.profiles.load import decode
from hpcgen.request.layers import Layer, merge
from hpcgen.script.explain import explain


def job(at: Any = None, **asked: Any) -> Job:
    return plan(at or site(), merge([Layer("flag", "command line", asked, strict=False)]))


def told(made: Job, part: int = -1) -> Dict[str, Any]:
    """What the launcher that the script carries is told in a component."""
    return to_launchers(made)[part]


def refusal(at: Any = None, **asked: Any) -> str:
    with pytest.raises(RequestError) as caught:
        job(at, **asked)
    return str(caught.value)


def test_the_nearest_partition_is_the_one_to_speak_of() -> None:
    small = site(
        nodes={"bare": {"cores": 16, "gpus": 1, "source": "docs"}},
        partitions={"gpu": {"nodes": ["bare"], "max_cpus": 4, "max_mem": "12G", "source": "docs"}},
    )
    with pytest.raises(LimitError, match="partition gpu"):
        plan(small, Request(workload="serial", gpus="1", mem=Memory(20 * 1024), cpus_per_task=10))


def test_gpus_asked_for_as_generic_resources() -> None:
    """The most usual spelling: it chooses the partition, is held to its limits and opens the container to the GPUs."""
    for gres in ("gpu", "gpu:1", "gpu:h100:1,ssd"):
        made = plan(site(), Request(workload="serial", program="x.py", gres=Token(gres), image=Line("x.sif")))
        assert made.components[0].partition == "gpu" and f"#SBATCH --gres={gres}\n" in render(made)
        assert "exec --nv x.sif" in render(made)
    with pytest.raises(LimitError, match=r"--gres gpu:3: .* has only 2 GPUs .*: use --gres gpu:2"):
        plan(site(), Request(workload="serial", gres=Token("gpu:3")))
    with pytest.raises(RequestError, match="both ask for GPUs"):
        plan(site(), Request(workload="serial", gres=Token("gpu:1"), gpus=Token("1")))
    assert plan(site(), Request(workload="serial", gres=Token("gpu:2"), cpus_per_gpu=3)).components[0].cpus_per_task == 6
    assert plan(site(), Request(workload="serial", gres=Token("gpuram:2"))).components[0].gpus is None


@pytest.mark.parametrize("directive", ["--mem=3G", "-n2", "-t 5", "--nice=3 --ntasks=2", "--partition=short", "--job-name=x"])
def test_a_directive_does_not_change_what_the_script_says(directive: str) -> None:
    with pytest.raises(RequestError, match="use that option"):
        plan(site(), Request(workload="mpi", program="x", directive=(Line(directive),)))


def test_a_directive_says_what_options_cannot() -> None:
    for directive in ("--nodes=1-2", "--exclusive=user", "--nice=3"):
        assert directive in render(plan(site(), Request(workload="mpi", program="x", directive=(Line(directive),))))


def test_tasks_that_do_not_fit_their_nodes() -> None:
    with pytest.raises(RequestError, match=r"9 tasks do not fit: 2 nodes with 4 per node .* hold only 8"):
        plan(site(), Request(workload="mpi", nodes=2, ntasks_per_node=4, ntasks=9))
    assert plan(site(), Request(workload="mpi", nodes=2, ntasks_per_node=4, ntasks=7)).components[0].ntasks == 7


def test_cores_without_their_second_threads() -> None:
    """Where a CPU is a thread, a job that leaves the second ones alone has half as many."""
    threaded = site(
        cpu={"unit": "thread", "source": "docs"}, nodes={"thin": {"cores": 8, "threads_per_core": 2, "source": "docs"}}
    )
    asked = {"workload": "mpi", "nodes": 1, "ntasks": 16, "partition": Token("short")}
    assert plan(threaded, Request(**asked)).components[0].ntasks == 16  # type: ignore[arg-type]
    for more in ({"hint": "nomultithread"}, {"threads_per_core": 1}):
        with pytest.raises(LimitError, match=r"must have 16 CPUs, .* has only 8 CPUs"):
            plan(threaded, Request(**asked, **more))  # type: ignore[arg-type]


def test_containers_of_jobs_without_a_launcher_need_no_pmi() -> None:
    text = render(plan(site(), Request(workload="serial", program="x.py", image=Line("x.sif"))))
    assert "PMI" not in text and "pmi" not in text and 'APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$PWD"' in text


def test_containers_on_gpus_of_amd() -> None:
    amd = site(nodes={"gpu": {"cores": 16, "gpus": 2, "gpu": "mi100", "source": "docs"}})
    for flag, where in (("--nv", site()), ("--rocm", amd)):
        assert f"exec {flag} x.sif" in render(plan(where, Request(workload="serial", gpus="1", image=Line("x.sif"))))


WRAPPED = {"wrapper": "site-run", "wrapper_image": "IMAGE", "wrapper_flags": "FLAGS", "source": "docs"}


def test_a_sites_own_wrapper_starts_the_container() -> None:
    """It is told of image and flags by its variables; without these it takes them as the runtime does."""
    asked = Request(workload="serial", program="x.py", args=("a b",), gpus="1", image=Line("~/x.sif"), bind=(Token("/data"),))
    text = render(plan(site(container=WRAPPED), asked))
    assert 'export IMAGE="$HOME"/x.sif\nexport FLAGS="$FLAGS --nv"\n' in text and "/data,$PWD" in text
    assert text.endswith("\nsite-run exec python x.py 'a b'\n")
    assert "FLAGS" not in render(plan(site(container=WRAPPED), Request(workload="serial", program="x.py", image=Line("x.sif"))))
    text = render(plan(site(container={"wrapper": "/opt/site/run", "source": "docs"}), asked))
    assert text.endswith("""\n/opt/site/run exec --nv "$HOME"/x.sif python x.py 'a b'\n""") and "IMAGE" not in text


def test_a_sites_own_wrapper_is_cited() -> None:
    made = plan(site(container=WRAPPED), Request(program="x.py", gpus="1", image=Line("x.sif")))
    said = {line.text.strip().partition(" python")[0]: [origin.text for origin in line.origins] for line in explain(made)}
    for text, key in (("export IMAGE=x.sif", "wrapper_image"), ('export FLAGS="$FLAGS --nv"', "wrapper_flags")):
        assert f"tiny: container.{key}" in said[text]
    alone = explain(plan(site(container=WRAPPED), Request(workload="serial", program="x.py", image=Line("x.sif"))))
    assert all(line.origins or line.template for line in alone if line.text)
    launch = next(texts for text, texts in said.items() if "site-run exec" in text)
    assert "tiny: container.wrapper" in launch


@pytest.mark.parametrize("name", ["my image.sif", "x.sif --writable", "x.sif;touch CANARY", "$(touch CANARY)", "x*.sif"])
def test_a_wrapper_may_take_a_name_apart(name: str) -> None:
    asked = Request(program="x.py", image=Line(name))
    with pytest.raises(RequestError, match=r"--image .*: site-run at tiny reads .* \$IMAGE \[Docs"):
        plan(site(container=WRAPPED), asked)
    assert plan(site(), asked).container


def test_a_sites_own_command_says_what_to_bind() -> None:
    """Where it fails, the job ends there and not in an image without the data."""
    text = render(
        plan(site(container={"bind_command": "site-binds", "source": "docs"}), Request(program="x.py", image=Line("x.sif")))
    )
    assert 'APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$(site-binds)" || exit\n' in text
    assert 'export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}/lib64/libpmi2.so,$PWD"\n' in text


def test_parts_of_nodes_before_whole_ones() -> None:
    """A partition of whole nodes is for jobs that no other takes, though its jobs may be shorter."""
    both = {
        "parts": {"nodes": ["thin"], "max_time": "3-00:00:00", "max_nodes": 1, "source": "docs"},
        "whole": {"nodes": ["thin"], "max_time": "1h", "whole_nodes": "always", "source": "docs"},
    }
    at = decode("tiny", {**tables(), "partitions": both}, "tiny.toml")
    chosen = [
        plan(at, Request(workload="mpi", program="x", time=1800, **more)).components[0].partition for more in ({}, {"nodes": 2})
    ]
    assert chosen == ["parts", "whole"]


def test_workers_share_a_nodes_memory_with_its_other_ranks() -> None:
    """Less a twentieth, and 128 MiB at least, for Python and MPI themselves."""
    for more, limit in (
        ({"mem": 8000}, 1600 - 128),
        ({"mem": 8000, "nodes": 2}, 2666 - 133),
        ({"mem": 8000, "hetjob": True}, 2666 - 133),
    ):
        made = plan(site(), Request(workers=3, **more))  # type: ignore[arg-type]
        assert told(made)["dask"]["memory_limit"] == f"{limit}MiB" and any(
            f"Dask may use {limit} of " in note for note in made.notes
        )


def test_paths_in_the_home_of_whoever_runs_the_script() -> None:
    text = render(plan(site(), Request(program="x.py", python=Line("~/v/bin/python"), args=("~/a",))))
    assert """ "$HOME"/v/bin/python -c "$launcher" "$shared" "$workers" -- x.py '~/a' || status=$?\n""" in text
    asked = Request(workload="serial", program="x.py", image=Line("~/my images/a.sif"), bind=(Token("~/data:/data"),))
    text = render(plan(site(), asked))
    assert "exec \"$HOME\"'/my images/a.sif' python x.py\n" in text and "$HOME/data:/data,$PWD\n" in text.replace('"', "")


def test_no_more_nodes_than_there_are() -> None:
    nodes = {"fat": {"cores": 32, "count": 3, "source": "docs"}}
    with pytest.raises(LimitError, match=r"--nodes 4: partition big has only 3 nodes \[Docs, read 2026-01-02\]: use --nodes 3"):
        plan(site(nodes=nodes), Request(workload="mpi", nodes=4, partition=Token("big")))
    assert plan(site(nodes=nodes), Request(workload="mpi", nodes=3, partition=Token("big"))).components[0].nodes == 3


def test_no_more_in_all_than_there_is() -> None:
    nodes = {"fat": {"cores": 32, "count": 3, "source": "docs"}, "gpu": {"cores": 64, "gpus": 2, "count": 1, "source": "docs"}}
    with pytest.raises(
        LimitError, match=r"97 CPUs \(97 tasks of 1\), .* big has 96 CPUs in all \[Docs, read 2026-01-02\]: use --ntasks 96"
    ):
        plan(site(nodes=nodes), Request(workload="mpi", ntasks=97, partition=Token("big")))
    assert plan(site(nodes=nodes), Request(workload="mpi", ntasks=96, partition=Token("big"))).components[0].ntasks == 96
    with pytest.raises(LimitError, match=r"--gpus 3: partition gpu has 2 GPUs in all .*: use --gpus 2"):
        plan(site(nodes=nodes), Request(workload="mpi", ntasks=3, gpus=Token("3"), partition=Token("gpu")))


def test_all_memory_of_the_nodes() -> None:
    for more in ({}, {"hetjob": True}):
        made = plan(site(), Request(program="x.py", mem=Memory.parse("0"), **more))  # type: ignore[arg-type]
        assert made.components[-1].mem_mib == 0 and "#SBATCH --mem=0\n" in render(made)
        assert "--mem 0 " in made.header[1]
    for name in ("mem_per_cpu", "mem_per_gpu", "scheduler_mem"):
        with pytest.raises(RequestError, match="only --mem accepts 0"):
            plan(site(), Request(program="x.py", gpus="1", hetjob=True, **{name: Memory(0)}))  # type: ignore[arg-type]


def test_roles_of_a_plain_job() -> None:
    made = job(program="x.py", workers=4, cpus_per_worker=2, mem_per_cpu="3G")
    (part,) = made.components
    assert (part.ntasks, part.cpus_per_task, part.mem_per_cpu_mib) == (6, 2, 3072)
    assert dict(made.setup.env)["OMP_NUM_THREADS"] == "1" and told(made)["dask"]["nthreads"] == 2


def test_roles_of_a_heterogeneous_job() -> None:
    made = job(program="x.py", hetjob=True, workers=3, cpus_per_worker=4, mem_per_cpu="3G", threads_per_worker=2)
    small, workers = made.components
    assert (small.ntasks, small.cpus_per_task, small.mem_per_cpu_mib) == (2, 1, 1024)
    assert (workers.ntasks, workers.cpus_per_task, workers.mem_per_cpu_mib) == (3, 4, 3072)
    assert dict(workers.env) == {"OMP_NUM_THREADS": "2"} and dict(small.env) == {"OMP_NUM_THREADS": "1"}
    assert told(made)["dask"]["nthreads"] == 2 and "dask" not in told(made, 0)
    plain = job(program="x.py", hetjob=True, cpus_per_worker=4, plain=True)
    assert dict(plain.components[1].env) == {"OMP_NUM_THREADS": "4"} and plain.steps[0].commands[1].told is None


def test_ntasks_counts_scheduler_and_client() -> None:
    assert job(program="x.py", ntasks=6).components[0].ntasks == 6
    assert "three ranks" in refusal(program="x.py", ntasks=2)
    assert "three ranks" in refusal(program="x.py", workers=0)


def test_small_component_can_be_asked_otherwise() -> None:
    small = job(program="x.py", hetjob=True, scheduler_cpus=2, scheduler_mem="4G").components[0]
    assert (small.cpus_per_task, small.mem_per_cpu_mib) == (2, 2048)
    assert "3M" in refusal(program="x.py", hetjob=True, scheduler_cpus=3, scheduler_mem="5M")
    assert "--hetjob" in refusal(program="x.py", scheduler_mem="4G")


def test_one_memory_style_in_a_heterogeneous_job() -> None:
    small, workers = job(program="x.py", hetjob=True, mem="8G").components
    assert (small.mem_mib, small.mem_per_cpu_mib, workers.mem_mib) == (2048, None, 8192)
    assert "--mem-per-cpu" in refusal(program="x.py", hetjob=True, mem_per_gpu="8G", gpus_per_node="1")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (dict(time="2-0", partition="short"), ["partition short", "04:00:00", "Docs, read 2026-01-02", "--partition long"]),
        (dict(time="9-0"), ["--time 9-00:00:00: ", "allows at most 3-00:00:00", "use --time 3-00:00:00"]),
        (dict(nodes=5, partition="short", workload="mpi"), ["--nodes 5: ", "allows at most 4 nodes per job", "use --nodes 4"]),
        (
            dict(ntasks=65, partition="short", workload="mpi"),
            ["--ntasks 65: ", "65 CPUs", "at most 64 CPUs per job", "use --ntasks 64"],
        ),
        (dict(cpus_per_worker=40), ["--cpus-per-worker 40: ", "has only 32 CPUs", "use --cpus-per-worker 32"]),
        (dict(mem_per_cpu="600G"), ["512G", "--mem-per-cpu 512G"]),
        (dict(workload="serial", mem="600G"), ["--mem 512G"]),
        (dict(workload="serial", gpus="3"), ["--gpus 3: ", "has only 2 GPUs", "use --gpus 2"]),
        (dict(workload="serial", gpus="v100:1"), ["--gpus v100:1: Tiny has no v100 GPUs; it has h100"]),
        (
            dict(workload="mpi", nodes=3, gpus_per_node="2", mem="1G"),
            ["--gpus-per-node 2: ", "6 GPUs", "at most 4 GPUs per job", "use --gpus-per-node 1"],
        ),
        (dict(array="0-101", program="x.py", workload="serial"), ["--array 0-100"]),
        (dict(array="a-b"), ["not a list of indices"]),
        (dict(array="1-10:0", program="x.py", workload="serial"), ["--array 1-10:0", "write 1-10"]),
        (dict(array="3,5-1", program="x.py", workload="serial"), ["--array 3,5-1", "write 1-5"]),
        (dict(partition="shrot"), ["did you mean 'short'?"]),
        (dict(gpus="two", workload="serial"), ["write 2 or h100:2"]),
        (dict(workload="serial", ntasks=2), ["--workload mpi"]),
        (dict(workload="mpi", workers=2), ["--workers", "--workload mpi does not take this option"]),
        (dict(workload="dask_mpi"), ["did you mean 'dask-mpi'?"]),
        (dict(args=["a"]), ["without a program"]),
        (dict(program="-x.py"), ["./-x.py"]),
        (dict(bind=["/x"]), ["--image"]),
        (dict(bind=["/x,/a:/b:ro:rw"], image="i.sif"), ["--bind /x,/a:/b:ro:rw", "FOLDER:PLACE:ro"]),
        (dict(mpi="pmix"), ["does not start"]),
        (dict(interface="ib0", program="x.py", plain=True), ["--interface ib0", "dask_mpi.initialize()"]),
        (dict(hetjob=True, array="1-3"), ["--array", "leave out --hetjob"]),
        (dict(workload="mpi", nodes=3, ntasks=8, distribution="plane=4"), ["--distribution plane=4", "leave nodes empty"]),
    ],
)
def test_refusals_name_the_limit_and_the_nearest(asked: Any, words: Any) -> None:
    text = refusal(**asked)
    assert "\n" not in text and all(word in text for word in words), text


def test_planes_that_reach_the_last_node_by_one_task() -> None:
    made = job(workload="mpi", nodes=3, ntasks=9, distribution="plane=4")
    assert made.components[0].distribution == "plane=4"


@pytest.mark.parametrize(
    ("version", "word"), [("19.05.8", "packjob"), ("20.02", "hetjob"), ("23.11", "hetjob"), (None, "hetjob")]
)
def test_components_are_parted_by_the_word_of_the_version(version: Any, word: str) -> None:
    """Source: the release notes of Slurm 20.02. Older ones look for theirs anywhere in a line."""
    at = site(scheduler={"version": version} if version else {})
    assert f"\n#SBATCH {word}\n" in render(job(at, program="x.py", hetjob=True))
    if word == "packjob":
        assert "choose another" in refusal(at, program="x.py", hetjob=True, job_name="my-packjob")
    else:
        assert job(at, program="x.py", hetjob=True, job_name="my-packjob").name == "my-packjob"


def test_the_default_partition_before_others_though_it_gives_whole_nodes() -> None:
    both = {"nodes": ["thin"], "max_time": "4h", "source": "docs"}
    at = site(partitions={"short": {**both, "default": True, "whole_nodes": "always"}, "apart": both, "long": both})
    assert job(at, workload="serial", program="x.py", nodes=1).components[0].partition == "short"


def test_only_components_can_wait_for_each_other() -> None:
    """Where nothing but MPI joins the ranks."""
    made = [job(program="x.py", plain=True, hetjob=hetjob) for hetjob in (True, None)]
    said = [any("MPI may hang" in note for note in one.notes) for one in made]
    assert said == [True, False]


def test_only_an_image_that_is_a_file_is_looked_for() -> None:
    looked = ["test -e" in render(job(workload="serial", program="x.py", image=image)) for image in ("x.sif", "docker://python:3.12")]
    assert looked == [True, False]


@pytest.mark.parametrize(
    ("way", "line"), [("gpus", "--gpus=1"), ("gpus-per-node", "--gpus-per-node=1"), ("gres", "--gres=gpu:1")]
)
def test_the_sites_way_to_ask_for_gpus_is_a_reason_where_it_is_not_the_flags(way: str, line: str) -> None:
    made = job(site(scheduler={"gpu_request": way}), workload="serial", program="x.py", nodes=1, gpus="1")
    (why,) = next(found.origins for found in explain(made) if found.text == f"#SBATCH {line}")
    assert why.kind == "flag" and ("tiny: scheduler.gpu_request" in why.text) is (way != "gpus")


def test_of_whole_nodes_that_differ_the_smaller_are_counted_on() -> None:
    mixed = {"nodes": ["fat", "thin"], "max_time": "4h", "whole_nodes": "always", "source": "docs"}
    made = job(site(partitions={"mixed": mixed}), workload="mpi", program="x", ntasks=32, partition="mixed").components[0]
    assert (made.nodes, made.whole_node_cpus) == (2, 16)


def test_whole_nodes_hold_as_many_tasks_as_their_memory_does() -> None:
    at = site(scheduler={"whole_nodes": "always"})
    made = job(at, workload="mpi", program="x", ntasks=4, cpus_per_task=2, mem_per_cpu="16G", partition="long").components[0]
    assert (made.nodes, made.whole_node_cpus) == (2, 16), "64G a node: two tasks of 32G"


def test_a_task_that_has_a_node_takes_the_cpus_of_the_smallest_it_may_get() -> None:
    at = site(partitions={"mixed": {"nodes": ["thin", "fat"], "max_time": "4h", "source": "docs"}})
    assert job(at, workload="ray", program="x.py", nodes=2, exclusive=True, partition="mixed").components[0].cpus_per_task == 16


def test_the_type_asked_for_is_stronger_than_the_sites() -> None:
    at = site(mpi={"flavour": "mpich"})
    assert "srun --mpi=pmi2 " in render(job(at, workload="mpi", program="./x"))
    assert "srun --mpi=pmix " in render(job(at, workload="mpi", program="./x", mpi="pmix"))


@pytest.mark.parametrize("launcher", ["mpirun", "mpiexec"])
def test_mpis_own_launchers_know_no_components_of_slurm(launcher: str) -> None:
    text = refusal(site(mpi={"launcher": launcher}), program="x.py", hetjob=True)
    assert text.startswith("--hetjob: ") and launcher in text and "--flatten" in text


def test_what_all_components_are_over_is_said_once() -> None:
    assert refusal(program="x.py", hetjob=True, time="9-0").count("allows at most 3-00:00:00") == 1


def test_limits_are_limit_errors() -> None:
    with pytest.raises(LimitError):
        job(time="9-0")


def test_narrowest_partition_that_fits() -> None:
    assert job(program="x.py", time="1h").components[0].partition == "short"
    assert job(program="x.py", time="5h").components[0].partition == "big"
    assert job(program="x.py", time="2-0").components[0].partition == "long"
    assert job(program="x.py", time="10m").components[0].partition == "short", "debug is not for the automatic choice"
    assert job(program="x.py", workload="serial", mem="100G").components[0].partition == "big"
    assert job(program="x.py", workload="serial", gpus="1").components[0].partition == "gpu"


def test_a_partition_that_one_must_name_is_named_where_no_other_fits() -> None:
    at = site(partitions={"weeks": {"nodes": ["thin"], "max_time": "14-0", "auto": False, "source": "docs"}})
    assert refusal(at, time="9-0").endswith(", or --partition weeks")
    assert "--partition" not in refusal(at, time="15-0")


def test_default_partition_comes_first() -> None:
    partitions = {"long": {"nodes": ["thin"], "max_time": "3-0", "default": True, "source": "docs"}}
    assert job(site(partitions=partitions), program="x.py", time="1h").components[0].partition == "long"


def test_no_partition_where_the_scheduler_routes() -> None:
    routed = site(scheduler={"routes": True})
    assert job(routed, program="x.py").components[0].partition is None
    assert "allows at most 3-00:00:00" in refusal(routed, time="9-0")
    assert job(routed, program="x.py", partition="long").components[0].partition == "long"


def test_unasked_time_fits_the_partition_asked_for() -> None:
    made = job(program="x.py", partition="debug")
    assert made.time == 1800 and made.assumed["time"] == "30 minutes"


def test_a_machine_whose_nodes_all_have_gpus() -> None:
    """Its partitions are for jobs without GPUs too, ranked as elsewhere; those that are only for the asking stay so."""
    limits = {"alone": {"max_time": "1h", "auto": False}, "capacity": {"max_time": "7-0"}, "debug": {"max_time": "1h"}}
    partitions = {name: {"nodes": ["gpu"], "source": "docs", **facts} for name, facts in limits.items()}
    made = decode("tiny", {**tables(), "partitions": partitions}, "tiny.toml")
    for hours, chosen in ((1, "debug"), (5, "capacity")):
        assert job(made, program="x.py", workload="serial", time=f"{hours}h").components[0].partition == chosen


def test_gpus_in_the_sites_own_spelling() -> None:
    def lines(style: str, **asked: Any) -> str:
        return render(job(site(scheduler={"gpu_request": style}), program="x.py", workload="serial", **asked))

    assert "#SBATCH --gpus=1\n" in lines("gpus", gpus="1")
    assert "#SBATCH --gpus-per-node=h100:2\n" in lines("gpus-per-node", gpus="h100:2")
    assert "#SBATCH --gres=gpu:h100:2,ssd\n" in lines("gres", gpus="h100:2", gres="ssd")
    assert "#SBATCH --gpus-per-task=1\n" in lines("gres", gpus_per_task="1")


def test_the_type_of_gpu_where_a_sites_jobs_name_it() -> None:
    """Written where the partition has one alone and none was asked for; and who says so, and who says which."""
    named = {"gpu_types": True}
    for style, option, wanted in (
        ("gres", "gres", "gpu:h100:2"),
        ("gpus", "gpus", "h100:2"),
        ("gpus-per-node", "gpus-per-node", "h100:2"),
    ):
        at = site(scheduler={**named, "gpu_request": style})
        made = job(at, program="x.py", workload="serial", gpus="2")
        assert f"#SBATCH --{option}={wanted}\n" in render(made)
        line = next(line for line in explain(made) if wanted in line.text and line.text.startswith("#SBATCH"))
        assert "flag --gpus" in str(line.origins[0]) and "of type h100 by tiny: scheduler.gpu_types (Docs" in str(
            line.origins[0]
        )
    at = site(scheduler={**named, "gpu_request": "gres"})
    assert "#SBATCH --gres=gpu:h100:1,ssd:2\n" in render(job(at, program="x.py", workload="serial", gpus="1", gres="ssd:2"))
    assert "#SBATCH --gres=ssd,gpu:h100:1\n" in render(job(at, program="x.py", workload="serial", gres="ssd,gpu"))
    assert "type" not in str(job(at, program="x.py", workload="serial", gpus="h100:1").components[0].origins["gpus"])
    assert "h100" not in render(job(site(), program="x.py", workload="serial", gpus="1"))


def test_no_type_where_that_of_a_node_is_not_known() -> None:
    old = {"cores": 16, "mem": "128G", "gpus": 2, "source": "docs"}
    both = {"nodes": ["gpu", "old"], "max_time": "4h", "source": "docs"}
    at = site(scheduler={"gpu_types": True}, nodes={"old": old}, partitions={"gpu": both})
    assert "#SBATCH --gpus=1\n" in render(job(at, program="x.py", workload="serial", gpus="1"))


def test_the_type_of_gpu_in_the_sites_own_letters() -> None:
    """Slurm tells letters apart: tests/cluster/test_negative.py. What --gres says stays as it was written."""
    for style in ("gpus", "gres"):
        made = job(site(scheduler={"gpu_request": style}), program="x.py", workload="serial", gpus="H100:2")
        assert f"#SBATCH --{style}={'gpu:' * (style == 'gres')}h100:2\n" in render(made)
        assert "of type h100 by tiny: nodes.gpu.gpu (Docs" in str(made.components[0].origins["gpus"])
    assert "#SBATCH --gres=gpu:H100:1\n" in render(job(program="x.py", workload="serial", gres="gpu:H100:1"))
    assert "#SBATCH --gpus=h100:2\n" in render(job(program="x.py", workload="serial", gpus="h100:2"))


def test_the_type_of_gpu_where_there_are_several() -> None:
    nodes = {"old": {"cores": 16, "gpus": 2, "gpu": "p100", "source": "docs"}}
    parts = {"gpu": {"nodes": ["gpu", "old"], "source": "docs"}}
    for types in (True, False):
        made = job(
            site(nodes=nodes, partitions=parts, scheduler={"gpu_types": types}), program="x.py", workload="serial", gpus="1"
        )
        assert "#SBATCH --gpus=1\n" in render(made)
        told = [text for text in made.notes if "partition gpu has h100, p100 GPUs" in text]
        assert len(told) == types and all("--gpus h100:1" in text for text in told)
    routed = site(nodes=nodes, scheduler={"gpu_types": True, "routes": True})
    assert any("tiny has h100, p100 GPUs" in text for text in job(routed, program="x.py", workload="serial", gpus="1").notes)


def test_gpus_that_a_site_counts_by_node() -> None:
    """The fewest nodes with an equal number on each that hold the tasks; where there are none, why it is not the site's way."""
    by_node = site(scheduler={"gpu_request": "gres"})

    def made(**asked: Any) -> Any:
        found = job(by_node, program="x.py", workload="mpi", time="1h", **asked)
        wanted = ("--nodes", "--gres", "--gpus")
        lines = [line[8:] for line in render(found).splitlines() if line.startswith("#SBATCH ") and line[8:].startswith(wanted)]
        return lines, " ".join(text for text in found.notes if "by node" in text)

    assert made(gpus="2", ntasks=2)[0] == ["--nodes=1", "--gres=gpu:2"]
    lines, said = made(gpus="4", ntasks=4)
    assert lines == ["--nodes=2", "--gres=gpu:2"] and "4 GPUs on 2 nodes, 2 on each, because tiny counts GPUs by node" in said
    assert made(gpus="2", ntasks=2, cpus_per_task=12)[0] == ["--nodes=2", "--gres=gpu:1"]
    assert made(gpus="2", ntasks=4, ntasks_per_node=2)[0] == ["--nodes=2", "--gres=gpu:1"]
    assert made(gpus="3", ntasks=3)[0] == ["--nodes=3", "--gres=gpu:1"]
    assert made(gpus="4", ntasks=4, nodes=2) == (["--nodes=2", "--gres=gpu:2"], "")
    lines, said = made(gpus="3", ntasks=3, nodes=2)
    assert lines == ["--nodes=2", "--gpus=3"] and "--gpus: tiny counts GPUs by node" in said
    assert "[Docs, read 2026-01-02]" in said and "--gpus-per-node with --nodes" in said
    assert "--gpus-per-task: tiny counts GPUs by node" in made(gpus_per_task="1", ntasks=2)[1]
    why = job(by_node, program="x.py", workload="mpi", gpus="4", ntasks=4).components[0].origins["nodes"]
    assert "tiny: scheduler.gpu_request" in str(why)


def test_account_is_refused_with_three_ways() -> None:
    text = refusal(site(scheduler={"account_required": True}))
    assert all(way in text for way in ("--account NAME", "config.toml", "SBATCH_ACCOUNT"))


def test_hetjob_is_refused_where_it_cannot_be() -> None:
    assert "tiny does not allow heterogeneous jobs" in refusal(site(scheduler={"hetjob": False}), hetjob=True)
    assert "mpirun" in refusal(site(mpi={"launcher": "mpirun", "pmi": None}), hetjob=True)


def test_old_slurm_says_packjob() -> None:
    text = story(render(job(site(scheduler={"version": "19.05.2"}), hetjob=True)))
    assert "#SBATCH packjob\n" in text and "--pack-group=1" in text and "het" not in text.replace("--hetjob", "")


def test_omit_is_data() -> None:
    assert "--mem" not in render(job(site(scheduler={"omit": ["memory"]}), program="x.py", time="1h")).split("#SBATCH", 1)[1]


def test_colon_arrives() -> None:
    """A colon alone would begin another component: the launcher, or one more bash, is told of it within one word."""
    asked: Dict[str, Any] = {"program": "x.py", "args": ["a", ":", "b"]}
    assert """ "$shared" "$workers" '{"argv": ["x.py", "a", ":", "b"]}' || status""" in render(job(**asked))
    for more in ({"plain": True}, {"workload": "mpi"}):
        assert "bash -c 'exec python x.py a : b'" in render(job(**asked, **more))


def test_job_round_trip() -> None:
    made = job(hetjob=True, env={"A": "b c"}, image="x.sif")
    assert Job.from_json(made.to_json()) == made and render(Job.from_json(made.to_json())) == render(made)


def test_plain_request_is_enough() -> None:
    made = plan(site(), Request(program="x.py", workers=2, time=Time(600), mem_per_cpu=Memory(512)))
    assert "--time=00:10:00" in render(made)


def test_layers_stronger_wins_and_keeps_alternatives_apart() -> None:
    merged = merge([
        Layer("config", "config.toml", {"mem": "4G", "account": "a", "env": {"A": "1", "B": "2"}}),
        Layer("file", "job.toml", {"mem_per_cpu": "2G", "env": {"B": "3"}}),
        Layer("flag", "command line", {"account": "b"}, strict=False),
    ])  # fmt: skip
    assert merged.request.mem is None and merged.request.mem_per_cpu == 2048
    assert merged.request.account == "b" and merged.origins["account"].text == "--account"
    assert dict(merged.request.env) == {"A": "1", "B": "3"}


def test_export_none_does_not_rob_srun() -> None:
    """A list of names without ALL does so too: srun's tasks would have the names alone, as runs of 22.05.8 show."""
    for export, wanted in (
        ("NONE", True),
        ("HOME", True),
        ("HOME,A=ALL", True),
        ("ALL", False),
        ("ALL,A=b", False),
        ("A=b,ALL", False),
    ):
        assert ("export SLURM_EXPORT_ENV=ALL\n" in render(job(program="x.py", export=export))) == wanted, export


def test_safe_in_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: render(job(hetjob=True, env={"A": "b"})), range(200)))
    assert len(texts) == 1


def test_whole_nodes_come_with_their_memory() -> None:
    """--exclusive alone gives the default share of memory: Kestrel's own page says so, and sbatch's --mem=0 is all."""
    assert "#SBATCH --mem=0\n" in render(job(program="x.py", workload="mpi", exclusive=True, nodes=2))
    small, workers = job(program="x.py", hetjob=True, exclusive=True).components
    assert (small.mem_mib, workers.mem_mib) == (2048, 0)


def test_frequent_directives_are_options_of_their_own() -> None:
    """Those that one repository in a hundred uses, of 8,499 with Slurm scripts."""
    from hpcgen.cli.options import of_request

    known = {flag for option in of_request() for flag in (*option.opts, *option.secondary_opts)}
    assert known >= {
        "--time", "-t", "--job-name", "-J", "--output", "-o", "--partition", "-p", "--nodes", "-N", "--cpus-per-task", "-c",
        "--mem", "--ntasks", "-n", "--error", "-e", "--gres", "--account", "-A", "--mail-type", "--ntasks-per-node",
        "--mail-user", "--mem-per-cpu", "--array", "-a", "--qos", "-q", "--constraint", "-C", "--exclusive", "--export",
        "--gpus", "-G", "--gpus-per-node", "--tasks-per-node", "--chdir", "-D", "--exclude", "-x", "--nodelist",
        "--gpus-per-task", "--hint", "--reservation", "--cpus-per-gpu", "--no-requeue", "--open-mode", "--requeue",
        "--signal", "--ntasks-per-core",
    }  # fmt: skip


def test_a_script_over_the_sites_size_is_refused() -> None:
    from hpcgen.script.submit import scripted

    small = site(scheduler={"script_max_kib": 2})
    with pytest.raises(LimitError, match="allows 2 KiB"):
        scripted(job(small, program="x.py", args=["a" * 3000]))


@pytest.mark.parametrize("asked", [
    {"job_name": "a\ntouch X"}, {"env": {"A;touch X": "1"}}, {"account": "a b"}, {"args": ("a\0b",), "program": "x.py"},
    {"time": -5}, {"nodes": 0}, {"bind": ("$(touch X)",), "image": "x.sif"},
])  # fmt: skip
def test_a_request_made_in_python_is_checked_too(asked: Any) -> None:
    with pytest.raises(RequestError):
        plan(site(), Request(**asked))


def test_plain_numbers_in_python_are_seconds_and_mib() -> None:
    text = render(plan(site(), Request(program="x.py", time=600, mem_per_cpu=512)))  # type: ignore[arg-type]
    assert "--time=00:10:00" in text and "--mem-per-cpu=512M" in text


def test_the_least_of_all_that_is_advised_passes() -> None:
    """Each limit broken at once has its own advice: together they must lead to a job that is allowed."""
    small = site(limits={"max_nodes": 10, "max_time": "21-0", "max_node_time": "21-0", "source": "docs"}, partitions={})
    text = refusal(small, workload="mpi", program="a", nodes=12, ntasks=12, time="22-0", mem_per_cpu="1G")
    assert "--nodes 10" in text and "--time 2-02:24:00 with 10 nodes" in text
    assert job(small, workload="mpi", program="a", nodes=10, ntasks=10, time="2-02:24:00", mem_per_cpu="1G").time


def test_modules_by_what_runs() -> None:
    """A conda environment cannot be activated before its module is loaded, whatever then runs in it."""
    at = site(modules={**TABLES["modules"], "mpi": ["impi"]})
    own = {"workload": "mpi", "ntasks": 4}
    found = [
        job(at, program=program, **own, **more).setup.modules
        for program, more in (
            ("./a.out", {}),
            ("x.py", {}),
            ("./a.out", {"conda": "e"}),
            ("x.py", {"venv": "v"}),
            ("x.py", {"image": "i"}),
        )
    ]
    assert found == [("impi",), ("Python/3.11",), ("Miniforge3", "impi"), ("Python/3.11", "impi"), ()]
