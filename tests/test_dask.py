"""What the plan says of Dask's roles is what the launcher is told of them, and what only the launcher can do is said so."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts import to_launchers
from tiny import site, tables

from hpcgen import Job, Request, RequestError, plan, render
from hpcgen.base.kinds import Token
from hpcgen.base.shell import word
from hpcgen.model.job import Component
from hpcgen.profiles.load import decode
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer, Merged, merge

SMALL = "scheduler and client"


def asked(values: Dict[str, Any]) -> Merged:
    return merge([Layer("file", "job.toml", values)])


def job(at: Any = None, **values: Any) -> Job:
    return plan(at or site(), asked({"program": "x.py", **values}))


def refusal(at: Any = None, **values: Any) -> str:
    with pytest.raises(RequestError) as caught:
        job(at, **values)
    assert "\n" not in str(caught.value)
    return str(caught.value)


told = to_launchers


# --- any layout

NETWORKS: List[Dict[str, Any]] = [{}, {"interface": "ib0"}, {"interface": "hsn0", "fallback": ["eth0", "lo"]}]
LOGINS: List[Dict[str, Any]] = [{}, {"host": "login.example.org"}, {"host": "login", "jump": "lander.example.org"}]
STORES: List[Dict[str, Any]] = [{}, {"local": "$TMPDIR"}, {"local": "/tmp", "in_memory": True}]
MPIS: List[Dict[str, Any]] = [
    {"flavour": "intel"}, {"flavour": "mpich"}, {"flavour": "cray-mpich"}, {"flavour": "openmpi", "pmi": "pmix"}, {},
    {"flavour": "mpich", "launcher": "mpiexec", "pmi": None},
]  # fmt: skip
# How MPI_Get_library_version() begins for each. Source: the three libraries' own answers, and Cray's manual page.
SAYS = {
    "intel": "Intel(R) MPI Library 2021.18 for Linux* OS", "mpich": "MPICH Version:      5.0.2",
    "cray-mpich": "MPI VERSION    : CRAY MPICH", "openmpi": "Open MPI v5.0.9, package: Open MPI root@",
}  # fmt: skip


@st.composite
def sites(draw: Any) -> Site:
    """A site without limits, so that every layout can be said, with any of the facts that the launcher is told."""
    kind = draw(st.sampled_from(["slurm", "slurm", "slurm", "local"]))
    facts = {
        **tables(), "nodes": {}, "partitions": {},
        "scheduler": {"type": kind, "hetjob": True if kind == "slurm" else None, "source": "docs"},
        "network": {**draw(st.sampled_from(NETWORKS)), "source": "docs"},
        "login": {**draw(st.sampled_from(LOGINS)), "source": "docs"},
        "storage": {**draw(st.sampled_from(STORES)), "source": "docs"}, "dask": {"cuda": draw(st.booleans()), "source": "docs"},
        "mpi": {"pmi": "pmi2", **draw(st.sampled_from(MPIS)), "source": "docs"},
    }  # fmt: skip
    if kind == "local":
        facts["mpi"] = {**facts["mpi"], "launcher": "mpiexec", "pmi": None}
    drop = {table: {k: v for k, v in made.items() if v is not None} for table, made in facts.items() if isinstance(made, dict)}
    return decode("tiny", {**facts, **drop}, "tiny.toml")


@st.composite
def requests(draw: Any) -> Dict[str, Any]:
    values: Dict[str, Any] = {}
    cpus = draw(st.one_of(st.none(), st.sampled_from([1, 2, 3, 4, 6, 8, 12, 36, 127])))
    if cpus:
        values[draw(st.sampled_from(["cpus_per_worker", "cpus_per_task"]))] = cpus
        if draw(st.booleans()):
            values["threads_per_worker"] = draw(st.sampled_from([n for n in range(1, cpus + 1) if cpus % n == 0]))
    if draw(st.booleans()):
        values.update(draw(st.sampled_from([{"workers": n} for n in (1, 2, 5, 17)] + [{"ntasks": n} for n in (3, 4, 9)])))
    memory = draw(st.sampled_from(["mem", "mem", "mem_per_cpu", "mem_per_cpu", "mem_per_gpu", "exclusive", ""]))
    if memory in ("mem", "mem_per_cpu", "mem_per_gpu"):
        values[memory] = draw(st.builds("{}{}".format, st.integers(64, 900), st.sampled_from("MG")))
    elif memory:
        values[memory] = True
    if draw(st.booleans()):
        values["nodes"] = draw(st.integers(1, 4))
        if draw(st.booleans()):
            values["ntasks_per_node"] = draw(st.integers(1, 20))
    if memory == "mem_per_gpu" or draw(st.integers(0, 4)) == 0:
        values["gpus_per_node"] = "2"
    maybe = {"hetjob": True, "interface": "eth7", "worker_class": "distributed.Worker", "local_directory": "/scratch/$USER/a b"}
    values.update({name: value for name, value in maybe.items() if draw(st.integers(0, 2)) == 0})
    runner = draw(st.sampled_from([None, None, "mpi", "slurm", "local", "local"]))
    if runner == "local":
        for name in ("hetjob", "interface", "nodes", "ntasks_per_node"):
            values.pop(name, None)
    return {**values, **({"runner": runner} if runner else {})}


def memory(part: Component, sharing: int) -> int:
    """MiB of one worker by the directives alone: its CPUs' share, or its share of a node's; 0 where no number is known.

    A node without a number of tasks of its own takes its even part of them all, rounded up.
    """
    if part.mem_per_cpu_mib:
        return part.mem_per_cpu_mib * part.cpus_per_task // sharing
    tasks = sharing if sharing > 1 else part.ntasks_per_node or -(-part.ntasks // (part.nodes or 1))
    return (part.mem_mib or 0) // tasks


def threads(made: Job, part: Component) -> int:
    env = {**dict(made.setup.env), **dict(part.env)}
    return int(env["OMP_NUM_THREADS"])


def check_workers(made: Job, part: Component, has: Dict[str, Any], sharing: int) -> None:
    """A component's threads and memory against what Dask is told: all CPUs are used, once, and only memory that is there."""
    options = has["dask"]
    assert options["nthreads"] * threads(made, part) * sharing == part.cpus_per_task
    each = memory(part, sharing)
    assert ("memory_limit" in options) == (each > 0)
    if each:
        limit = int(options["memory_limit"].removesuffix("MiB"))
        headroom = each - limit
        assert limit > 0 and headroom == min(max(each // 20, 128), 2048, each // 4)
        assert any(f"Dask may use {limit} of a worker's {each} MiB" in note for note in made.notes)


def check_facts(at: Site, values: Dict[str, Any], made: Job, has: Dict[str, Any]) -> None:
    """Interface, tunnel and MPI as the profile has them, and what was asked for over that."""
    runner = values.get("runner") or "mpi"
    interfaces = [values["interface"]] if "interface" in values else [at.network.interface, *at.network.fallback]
    assert has.get("interfaces", []) == ([name for name in interfaces if name] if runner != "local" else [])
    assert has.get("login") == (at.login.host and (f"-J {at.login.jump} {at.login.host}" if at.login.jump else at.login.host))
    assert ("mpi" in has) == (runner == "mpi" and at.mpi.flavour is not None)
    for flavour, answer in SAYS.items():
        same = at.mpi.flavour == flavour or {at.mpi.flavour, flavour} == {"mpich", "cray-mpich"}
        assert "mpi" not in has or (has["mpi"] in answer) == same


def check_options(at: Site, values: Dict[str, Any], options: Dict[str, Any]) -> None:
    cuda = "dask_cuda.CUDAWorker" if at.dask.cuda and "gpus_per_node" in values else None
    assert options.get("worker_class") == values.get("worker_class", cuda)
    local = "$PWD" if at.storage.in_memory else at.storage.local
    assert options.get("local_directory") == values.get("local_directory", local)


def test_the_plans_numbers_are_the_launchers() -> None:
    seen: Counter[str] = Counter()

    @settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
    @given(sites(), requests())
    def agree(at: Site, values: Dict[str, Any]) -> None:
        try:
            made = job(at, **values)
        except RequestError as why:
            seen[str(why)] += 1
            return
        runner = values.get("runner") or "mpi"
        seen[runner] += 1
        workers = values.get("workers") or values.get("ntasks", 5) - 2
        parts, has = made.components, told(made)
        assert len(parts) == len(has) == (2 if values.get("hetjob") else 1)
        for part, one in zip(parts, has):
            check_facts(at, values, made, one)
            if runner == "local":
                assert one["workers"] == workers and "ranks" not in one and part.ntasks == 1
            else:
                assert one["ranks"] == workers + 2 == sum(each.ntasks for each in parts) and "workers" not in one
            assert ("dask" in one) == (part.role != SMALL)
        check_options(at, values, has[-1]["dask"])
        check_workers(made, parts[-1], has[-1], workers if runner == "local" else 1)
        if "threads_per_worker" in values:
            assert has[-1]["dask"]["nthreads"] == values["threads_per_worker"]
        assert made.steps[0].launcher == {"local": "none", "slurm": "srun", "mpi": at.mpi.launcher}[runner]
        text = render(made).partition("PYTHON\n")[0]
        assert all(f"{name}={word(value)}\n" in text for name, value in made.steps[0].told)
        assert all(f'"${name}"' in text for command in made.steps[0].commands for name in command.told or ())

    agree()
    arrived = {runner: seen.pop(runner) for runner in ("mpi", "slurm", "local")}
    assert min(arrived.values()) >= 4 and sum(arrived.values()) > sum(seen.values()) / 2, (arrived, seen)


# --- refused, or said otherwise


@pytest.mark.parametrize(
    ("cpus", "threads", "possible"),
    [
        (4, 3, "1, 2 or 4"),
        (4, 5, "1, 2 or 4"),
        (7, 5, "1 or 7"),
        (8, 100, "1, 2, 4 or 8"),
        (1, 2, "1"),
        (12, 9, "1, 2, 3, 4, 6 or 12"),
    ],
)
def test_threads_that_do_not_divide_the_cpus(cpus: int, threads: int, possible: str) -> None:
    """All numbers that do are named."""
    text = refusal(cpus_per_worker=cpus, threads_per_worker=threads)
    assert (
        text == f"--threads-per-worker {threads}: {threads} threads do not divide {cpus} CPU{'s' * (cpus > 1)}: use {possible}"
    )
    assert told(job(cpus_per_worker=cpus, threads_per_worker=int(possible.split()[-1])))[0]["dask"]["nthreads"] == int(
        possible.split()[-1]
    )


@pytest.mark.parametrize(
    "values",
    [
        {"threads_per_worker": 1}, {"worker_class": "distributed.Nanny"}, {"local_directory": "/tmp"}, {"runner": "local"},
        {"runner": "slurm"}, {"interface": "ib0"},
    ],
    ids=str,
)  # fmt: skip
def test_plain_refuses_what_only_the_launcher_could_do(values: Dict[str, Any]) -> None:
    text = refusal(plain=True, **values)
    (name, value) = next(iter(values.items()))
    assert text.startswith(f"--{name.replace('_', '-')} {value}: with --plain")
    assert job(**values).steps[0].commands[0].told and job(plain=True).carried == ()


def test_plain_is_the_published_form() -> None:
    made = job(plain=True, cpus_per_worker=4, args=["a b"])
    assert "\nsrun --mpi=pmi2 --cpus-per-task=4 python x.py 'a b'\n" in render(made)
    assert dict(made.setup.env)["OMP_NUM_THREADS"] == "4" and any("nthreads=4" in note for note in made.notes)


NO_CLASSES = ["Nanny", "distributed.", ".Nanny", "a b.C", "a.b;c", "os.system('x')", "a..b", "a.1", "é.B", "a.b\n"]


@pytest.mark.parametrize("name", NO_CLASSES)
def test_worker_classes_that_are_no_names(name: str) -> None:
    assert "worker_class" in refusal(worker_class=name).replace("-", "_")


def test_runner_slurm_needs_slurm() -> None:
    at = site(scheduler={"type": "local"}, mpi={"launcher": "mpiexec", "pmi": None})
    assert refusal(at, runner="slurm") == "--runner slurm: tiny does not run Slurm: leave out --runner"
    assert "leave out" in refusal(site(mpi={"launcher": "mpiexec", "pmi": None}), hetjob=True)


def test_runner_slurm_needs_no_mpi() -> None:
    """Its ranks are srun's, whatever starts MPI at this site."""
    made = job(site(mpi={"launcher": "mpiexec", "pmi": None}), runner="slurm", hetjob=True)
    assert (made.steps[0].launcher, made.steps[0].pmi) == ("srun", "none")
    ends = job(site(mpi={"launcher": "mpiexec", "pmi": None}), runner="slurm", kill_on_bad_exit=True)
    assert "srun --mpi=none --kill-on-bad-exit=1 " in render(ends)


def test_runner_slurm_takes_no_pmi() -> None:
    assert "--mpi" in refusal(runner="slurm", mpi="pmi2")


def test_runner_local_is_one_task_with_all_cpus() -> None:
    made = job(runner="local", workers=3, cpus_per_worker=4, mem_per_cpu="2G", threads_per_worker=2)
    (part,) = made.components
    assert (part.ntasks, part.cpus_per_task, part.mem_per_cpu_mib, made.steps[0].launcher) == (1, 12, 2048, "none")
    assert told(made) == [{"workers": 3, "dask": {"nthreads": 2, "memory_limit": f"{8192 - 409}MiB"}}]
    assert dict(made.setup.env)["OMP_NUM_THREADS"] == "2" and "srun" not in render(made).split("PYTHON\n")[-1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"hetjob": True}, ["--hetjob", "one node"]),
        ({"nodes": 2}, ["--nodes 2", "one node"]),
        ({"ntasks_per_node": 4}, ["--ntasks-per-node 4"]),
        ({"cpus_per_gpu": 2, "gpus": "1"}, ["--cpus-per-gpu", "--cpus-per-worker"]),
        ({"workers": 9, "cpus_per_worker": 4}, ["--workers 9: ", "has only 32 CPUs", "use --workers 8"]),
        ({"kill_on_bad_exit": True}, ["--kill-on-bad-exit"]),
        ({"mpi": "pmi2"}, ["--mpi"]),
        ({"interface": "ib0"}, ["--interface"]),
    ],
    ids=str,
)
def test_runner_local_refuses_what_it_cannot_have(values: Dict[str, Any], words: List[str]) -> None:
    """No option is dropped without a word."""
    text = refusal(runner="local", **values)
    assert all(word in text for word in words), text


@pytest.mark.parametrize("workload", ["mpi", "serial"])
@pytest.mark.parametrize(
    "values", [{"runner": "mpi"}, {"plain": True}, {"threads_per_worker": 1}, {"worker_class": "a.B"}], ids=str
)
def test_other_workloads_have_no_roles(workload: str, values: Dict[str, Any]) -> None:
    assert "does not take this option" in refusal(workload=workload, **values)


def endings(made: Job) -> Tuple[bool, bool]:
    text = render(made)
    return "--kill-on-bad-exit=0 --wait=0" in text, 'exit "$status"' in text


def test_a_worker_that_dies_ends_the_job_only_if_asked() -> None:
    """And the status that counts is the program's, which is kept in a file: srun's is that of whoever fared worst."""
    assert endings(job()) == endings(job(runner="slurm")) == endings(job(kill_on_bad_exit=False)) == (True, True)
    for made in (job(kill_on_bad_exit=True), job(plain=True), job(runner="local"), job(workload="mpi")):
        assert endings(made) == (False, False)
    assert "--kill-on-bad-exit=1" in render(job(kill_on_bad_exit=True))


def test_what_srun_could_take_for_its_own_goes_into_the_json() -> None:
    made = job(hetjob=True, args=["a", ":", "é\udcff", ""])
    (launch,) = re.findall(r"^    srun .*? \|\| status", render(made), re.DOTALL | re.MULTILINE)
    assert " : \\\n" in launch and launch.count(" : ") == 1 and launch.count('"argv":') == 2
    with pytest.raises(RequestError, match="shorter than"):
        render(job(args=[":", "x" * 131_050]))


@pytest.mark.parametrize(
    "cuda, asked, found",
    [
        (True, {"gpus": "2"}, "dask_cuda.CUDAWorker"),
        (True, {}, None),
        (False, {"gpus": "2"}, None),
        (True, {"gpus": "2", "worker_class": "distributed.Nanny"}, "distributed.Nanny"),
        (False, {"gpus": "2", "worker_class": "dask_cuda.CUDAWorker"}, "dask_cuda.CUDAWorker"),
    ],
)
def test_gpu_workers_are_dask_cudas_where_the_site_has_it(cuda: bool, asked: Dict[str, Any], found: Any) -> None:
    """Unless another class is asked for; and where it is dask-cuda's, each rank looks for it before Dask starts."""
    values = {"workers": 2, "partition": "gpu", "program": "x.py", **asked}
    made = plan(site(dask={"cuda": cuda, "source": "docs"}), merge([Layer("flag", "command line", values, strict=False)]))
    (one,) = told(made)
    assert one["dask"].get("worker_class") == found
    assert one.get("needs") == (["dask_cuda"] if (found or "").startswith("dask_cuda") else None)


@pytest.mark.parametrize("asked", [{}, {"kill_on_bad_exit": True}, {"plain": True}], ids=str)
def test_components_in_another_order_meet_or_are_warned_of(asked: Dict[str, Any]) -> None:
    """Where the launcher is carried the ranks meet by a file, whose name all must have; a plain program can only wait."""
    made = plan(site(mpi={"pmi": "pmi2"}), Request(program="x.py", hetjob=True, **asked))
    text, plain = render(made), "plain" in asked
    assert ("|| export HPCGEN_BY_FILE=1" in text and "export HPCGEN_STATUS\n" in text) is not plain
    assert ("MPI may hang because the hosts" in text) is plain
    assert any("MPI may hang" in note for note in made.notes) is plain


def test_cpus_that_come_with_gpus_are_not_assumed() -> None:
    asked = {"gpus_per_task": Token("1"), "cpus_per_gpu": 4, "program": "x.py", "workers": 2}
    assert set(plan(site(), Request(**asked)).assumed) == {"mem_per_cpu", "time"}
    assert "cpus_per_worker" in plan(site(), Request(program="x.py")).assumed
