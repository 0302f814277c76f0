"""--workload ray: the plan's nodes, CPUs and memory, the launcher's ports and folders, and one node for real."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from cluster import frameworks
from hypothesis import given
from hypothesis import strategies as st
from parts import to_launchers
from tiny import site

from hpcgen import Request, plan, render
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import Token
from hpcgen.base.units import Memory
from hpcgen.ray import node
from hpcgen.script import embed
from hpcgen.script.render import carried

CARRIED = embed.carried("ray", ("node", "cluster"))


def planned(profile: Any = None, **asked: Any) -> Any:
    return plan(profile or site(), Request(workload="ray", **{"program": "tune.py", **asked}))


def told(profile: Any = None, **asked: Any) -> List[Dict[str, Any]]:
    return to_launchers(planned(profile, **asked))


def test_memory_and_cpus_are_the_jobs() -> None:
    assert told(nodes=3, cpus_per_task=8, mem_per_cpu=Memory(2048)) == [{"nodes": 3, "cpus": 8, "gpus": 0, "memory": 16384}]
    assert told(gpus=Token("2"), mem_per_gpu=Memory(8192), object_store_memory=Memory(1024)) == [
        {"nodes": 1, "cpus": 1, "gpus": 2, "memory": 16384, "object_store": 1024}
    ]
    assert "memory" not in told(exclusive=True, nodes=2)[0]  # all of each node, as Ray finds it


def test_a_head_of_its_own() -> None:
    head, workers = told(hetjob=True, workers=2, cpus_per_worker=4, gpus_per_node=Token("1"), mem_per_cpu=Memory(1024))
    assert head == {"nodes": 3, "cpus": 0, "gpus": 0, "memory": 4096}
    assert workers == {"nodes": 3, "cpus": 4, "gpus": 1, "memory": 4096}
    job = planned(hetjob=True, workers=2, scheduler_cpus=4, scheduler_mem=Memory(8192), gpus_per_node=Token("1"))
    assert (job.components[0].cpus_per_task, job.components[0].mem_per_cpu_mib, job.components[0].gpus) == (4, 2048, None)


def test_the_networks_and_the_folder_of_the_site() -> None:
    profile = site(
        network={"interface": "ib0", "fallback": ["eth0"], "source": "docs"}, storage={"local": "$TMPDIR", "source": "docs"}
    )
    assert told(profile)[0]["interfaces"] == ["ib0", "eth0"] and told(profile)[0]["local"] == "$TMPDIR"
    assert told(profile, interface=Token("hsn0"), local_directory="/x")[0]["interfaces"] == ["hsn0"]


def test_ray_sets_the_threads_of_its_tasks() -> None:
    text = render(planned(nodes=2, cpus_per_task=4))
    assert (
        "OMP_NUM_THREADS" not in text.replace(CARRIED, "")
        and "srun --kill-on-bad-exit=0 --wait=0 --cpus-per-task=4 python" in text
    )


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"workers": 2, "nodes": 3}, "give one of them"),
        ({"workers": 0}, "--workers 1 or more"),
        ({"ntasks": 4}, "--nodes"),
        ({"scheduler_mem": Memory(1024)}, "add --hetjob"),
        ({"object_store_memory": Memory(50)}, "no less than 75M"),
        ({"object_store_memory": Memory(2048)}, "use 307M"),
        ({"gpus": Token("3"), "nodes": 2}, "--gpus-per-node 2"),
        ({"mpi": Token("pmi2")}, "needs no MPI"),
        ({"threads_per_worker": 2}, "--threads-per-worker"),
        ({"hetjob": True, "array": Token("1-3")}, "--array"),
        ({"symmetric_run": True, "signal": Token("USR1@60")}, "leave out one of them"),
    ],
)
def test_refusals(asked: Any, words: str) -> None:
    with pytest.raises(RequestError) as problem:
        planned(**asked)
    assert words in str(problem.value)


def test_rays_own_command_is_carried_if_asked_for() -> None:
    """With the classic form for a Ray that has none; and who has not asked carries nothing of it."""
    job = planned(nodes=3, symmetric_run=True)
    assert carried(job)["launcher"] == embed.carried("ray", ("node", "cluster", "symmetric"))
    assert any("--exclusive" in note for note in job.notes)
    assert not any("symmetric" in note for note in planned(nodes=3, symmetric_run=True, exclusive=True).notes)
    assert carried(planned(nodes=3))["launcher"] == CARRIED and "symmetric" not in CARRIED
    with pytest.raises(RequestError, match="only --workload ray takes this option"):
        plan(site(), Request(workload="mpi", symmetric_run=True))


def test_one_machine_is_one_node() -> None:
    with pytest.raises(RequestError, match="runs on this one machine"):
        planned(site(scheduler={"type": "local"}), nodes=2)


@given(st.integers(0, 10**9), st.integers(0, 3))
def test_ports_of_jobs(job: int, rank: int) -> None:
    """Every block once, and all below the kernel's own ports."""
    os.environ["RAY_AUTH_TOKEN"] = str(job)
    found = node.port_blocks(f"node {rank}")
    assert sorted(found) == list(range(20000, 32000, 16)) and max(found) + 16 <= 32768


def test_a_taken_block_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "x")
    first = node.port_blocks("node 0")[0]
    assert node.is_free(first + 3)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", first + 3))
        sock.listen()
        assert not node.is_free(first + 3)


def test_a_folder_short_enough_for_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "x")
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 30)))
    made = node.make_folder("/nowhere/at/all", 0)
    try:
        assert made.startswith("/tmp/ray-") and Path(made).stat().st_mode & 0o777 == 0o700
        with pytest.raises(node.Failed):
            node.make_folder(None, 0)  # the same again: there is no other
    finally:
        Path(made).rmdir()


def test_an_interface_that_is_not_there(capsys: Any) -> None:
    assert node.find_address(["lo"], None) == "127.0.0.1"
    assert re.fullmatch(r"[\d.]+", node.find_address(["nope0"], None))
    assert "no address on nope0" in capsys.readouterr().err


def run(asked: Dict[str, Any], *words: str, python: str = sys.executable, **env: str) -> subprocess.CompletedProcess[str]:
    line = [python, "-c", CARRIED, json.dumps(asked), "--", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, env={**os.environ, **env})


@pytest.mark.parametrize(
    "words, wait, argv",
    [
        (['{"nodes": 1}', "x.py", "--", "{}"], 300, ["x.py", "--", "{}"]),
        (['{"wait": 1, "nodes": 1}', '{"wait": 2}', "--", "{}", "a"], 2, ["{}", "a"]),
        (['{"argv": ["y.py"]}', "--", "x.py"], 300, ["y.py"]),
        (["--", "--", "x.py"], 300, ["--", "x.py"]),
    ],
)
def test_the_command_line(words: List[str], wait: int, argv: List[str]) -> None:
    config = node.read_command_line(words)
    assert (config["wait"], config["argv"]) == (wait, argv)


def test_it_says_what_it_misses() -> None:
    ranks = dict.fromkeys(node.RANKS, "")
    done = run({"nodes": 2, "cpus": 1, "gpus": 0}, "x.py", **ranks)
    assert done.returncode == 1 and "cannot find the rank of this process" in done.stderr and "Traceback" not in done.stderr
    done = run({"nodes": 2, "cpus": 1, "gpus": 0}, "x.py", **{**ranks, "SLURM_PROCID": "1", "RAY_AUTH_TOKEN": ""})
    assert done.returncode == 1 and "RAY_AUTH_TOKEN" in done.stderr


def test_no_head_to_be_found() -> None:
    done = run(
        {"nodes": 2, "cpus": 1, "gpus": 0, "wait": 1}, "x.py", SLURM_PROCID="1", RAY_AUTH_TOKEN="x", HPCGEN_HEAD="127.0.0.1"
    )
    assert done.returncode == 1 and "Ray's head on 127.0.0.1 did not answer within 1 s" in done.stderr


@pytest.mark.skipif(not frameworks.ready("ray"), reason="no environment with ray: run tests/cluster/install as root")
def test_on_this_machine(tmp_path: Path) -> None:
    """The self-check as `hpcgen run --site local` starts it, and a program that is not there."""
    python = str(frameworks.venv("ray") / "bin")
    environ = {**os.environ, "PATH": f"{python}:/usr/bin:/bin", "XDG_CONFIG_HOME": str(tmp_path), "HPCGEN_PATH": ""}
    command = [
        sys.executable,
        "-m",
        "hpcgen",
        "run",
        "--site",
        "local",
        "--workload",
        "ray",
        "--mem-per-cpu",
        "1G",
        "--cpus-per-task",
        "2",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Ray result: 140 of 140" in done.stdout and "2 CPUs 0 GPUs 1434 MiB memory 614 MiB" in done.stdout
    done = run({"nodes": 1, "cpus": 1, "gpus": 0}, "./missing", python=f"{python}/python")
    assert done.returncode == 1 and "./missing: No such file or directory" in done.stderr, done.stderr


def test_components_where_another_launcher_starts_mpi() -> None:
    """srun starts one process on each node, whatever starts MPI's ranks."""
    text = render(planned(site(mpi={"launcher": "mpiexec"}), hetjob=True, workers=2))
    assert "srun --kill-on-bad-exit=0 --wait=0 \\\n         --het-group=0" in text


def test_nodes_of_its_own_are_its_own_with_all_their_cpus_and_memory() -> None:
    """Unless fewer were asked for; Ray finds the memory of such a node itself."""
    (alone,) = told(exclusive=True, nodes=2)
    assert alone == {"nodes": 2, "cpus": 16, "gpus": 0}
    whole = site(scheduler={"type": "pbs", "whole_nodes": "always"}, mpi={"launcher": "pals"})
    assert told(whole, nodes=2, gpus_per_node=Token("2")) == [{"nodes": 2, "cpus": 16, "gpus": 2, "unset": ["OMP_NUM_THREADS"]}]
    job = planned(whole, nodes=2, object_store_memory=Memory(4096))
    assert "--depth 16 --cpu-bind depth python" in render(job) and ":mem=64gb\n" in render(job)
    assert job.assumed["cpus_per_task"] == "all 16 CPUs of each node" and job.assumed["mem"] == "all memory of each node"
    asked = told(whole, nodes=2, cpus_per_worker=4, mem=Memory(8192))[0]
    assert (asked["cpus"], asked["memory"]) == (4, 8192)
    assert told(nodes=2)[0]["cpus"] == 1  # nodes that others share


def test_the_cpus_of_its_gpus() -> None:
    profile = site(partitions={"gpu": {"nodes": ["gpu"], "cpus_per_gpu": 8, "source": "docs"}})
    assert told(profile, nodes=2, gpus_per_node=Token("1"))[0] == {"nodes": 2, "cpus": 8, "gpus": 1, "memory": 8192}
