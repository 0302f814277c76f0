"""Jobs over the hosts of a miniature in images that `hpcgen container` defines and real Apptainer builds and runs: Ray and
torchrun, and sites that have a command of their own for containers."""
from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from . import frameworks, needs

needs.or_skip()

from hpcgen import load, plan, render  # noqa: E402
from hpcgen.request.layers import Layer, merge  # noqa: E402

from . import bed, cases, checks, from_site, images, net, slurm, test_ray  # noqa: E402

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module")
def up() -> Iterator[bed.Miniature]:
    one = bed.Miniature(frameworks.shape("images")).up()
    yield one
    one.down()


NO_WHEEL = re.compile(r"No matching distribution found for torch\b")


@cache
def lacking(framework: str) -> str:
    """Why there is no image: its pip finds no wheel of PyTorch, although an environment on this machine has one."""
    try:
        frameworks.image(framework)
    except RuntimeError as why:
        if framework not in frameworks.OPTIONAL or not NO_WHEEL.search(str(why)):
            raise
        return frameworks.OPTIONAL[framework]
    return ""


def image(framework: str) -> Path:
    """The framework's image; where it cannot be built for want of the wheel, the test is skipped as test_torchrun.py is."""
    if why := lacking(framework):
        pytest.skip(why)
    return frameworks.image(framework)


def folder(up: bed.Miniature, name: str, framework: str, **request: Any) -> Path:
    """The user's folder: the script, the program, the image. No host has the framework itself."""
    place = up.workdir(name, PROGRAMS / f"{framework}_program.py")
    values = {"workload": frameworks.WORKLOADS[framework], "program": f"{framework}_program.py", "image": "my.sif", **request}
    (place / "my.sif").symlink_to(image(framework))
    (place / "job.sh").write_text(frameworks.script("nowhere", venv=None, **values))
    up.give(place)
    return place


def job(up: bed.Miniature, name: str, framework: str, **request: Any) -> slurm.Job:
    return slurm.run(up, "job.sh", cwd=str(folder(up, name, framework, **request)), seconds=240)


def printed_by_the_test(framework: str) -> str:
    """What the `%test` of the image printed as it was built."""
    assert image(framework).exists()
    return images.log(framework).read_text().partition("Running testscript")[2]


def test_the_images_test_found_ray() -> None:
    assert re.search(r"^ray \d+\.\d+", printed_by_the_test("ray"), re.MULTILINE)


def test_ray_over_three_hosts(up: bed.Miniature) -> None:
    done = job(up, "ray", "ray", nodes=3, cpus_per_task=2, mem="3G", args=["auto", "a b", "$(touch CANARY)", ":"]).completed()
    hosts = up.hosts_of(done.records[0]["NodeList"])
    seen = test_ray.nodes(done.output)
    assert sorted(seen) == hosts and '["auto", "a b", "$(touch CANARY)", ":"]' in done.output
    assert all(address.startswith(net.NETS[1]) and cpus == "2" for address, cpus, *_ in seen.values())
    where, each = test_ray.tasks(done.output)
    assert set(where) <= set(hosts) and len(where) > 1 and each == [["1", 2]]
    assert test_ray.left(up) == []


def test_ray_with_a_small_head(up: bed.Miniature) -> None:
    done = job(up, "ray-het", "ray", hetjob=True, workers=2, cpus_per_worker=3, mem_per_cpu="1G").completed()
    head, workers = (up.hosts_of(record["NodeList"]) for record in done.records)
    seen = test_ray.nodes(done.output)
    assert [seen[host][1] for host in (*head, *workers)] == ["0", "3", "3"]
    assert set(test_ray.tasks(done.output)[0]) <= set(workers)


@pytest.mark.parametrize("end, status", [("3", "3:0"), ("kill", "137:0")])
def test_status_of_the_program_is_the_jobs(up: bed.Miniature, end: str, status: str) -> None:
    done = job(up, f"ray-{end}", "ray", nodes=2, mem="3G", args=[end])
    assert done.records[0]["ExitCode"] == status and test_ray.left(up) == []


def test_ray_checks_itself(up: bed.Miniature) -> None:
    done = job(up, "ray-check", "ray", nodes=2, cpus_per_task=2, mem="3G", program=None).completed()
    assert "Ray result: 1240 of 1240" in done.output and "with OMP_NUM_THREADS 1" in done.output


TORCH = pytest.mark.skipif(not frameworks.ready("torch"), reason=frameworks.OPTIONAL["torch"])


@TORCH
def test_the_images_test_found_torch() -> None:
    version = frameworks.PACKAGES["torch"][0].partition("==")[2]
    assert f"\ntorch {version}\n" in printed_by_the_test("torch")


@TORCH
def test_torchrun_over_three_hosts(up: bed.Miniature) -> None:
    request = {"nodes": 3, "nproc_per_node": 2, "cpus_per_task": 4, "mem": "2G", "args": ["--lr", "a b", "$(touch CANARY)"]}
    done = job(up, "torch", "torch", **request).completed()
    seen = checks.reports(done.output)
    assert [(one["rank"], one["size"], one["sum"]) for one in seen] == [(rank, 6, 15.0) for rank in range(6)]
    assert sorted(one["host"] for one in seen) == sorted(2 * list(up.hosts_of(done.records[0]["NodeList"])))
    for one in seen:
        assert one["master"].startswith(net.NETS[1]) and one["interfaces"] == ["ib0", "ib0"]
        assert (one["threads"], one["argv"]) == (2, ["--lr", "a b", "$(touch CANARY)"])


@TORCH
def test_torchrun_on_one_node(up: bed.Miniature) -> None:
    seen = checks.reports(job(up, "torch-one", "torch", nproc_per_node=3, cpus_per_task=3, mem="1G").completed().output)
    assert [(one["rank"], one["size"]) for one in seen] == [(rank, 3) for rank in range(3)]


@TORCH
@pytest.mark.parametrize("nodes", [1, 2])
def test_a_process_that_fails_ends_the_job(up: bed.Miniature, nodes: int) -> None:
    """Slurm's signal to the other node may end what mounts its image first, and then torchrun there by SIGBUS."""
    done = job(up, f"torch-fail{nodes}", "torch", nodes=nodes, nproc_per_node=2, mem="1G", args=["fail", "3"])
    assert done.records[0]["ExitCode"] == "3:0" and done.seconds < 60 and "exitcode  : 3" in done.output


@TORCH
def test_torchrun_checks_itself(up: bed.Miniature) -> None:
    done = job(up, "torch-check", "torch", nodes=2, nproc_per_node=2, mem="1G", program=None).completed()
    assert "gloo sum 10 of 10" in done.output and done.output.count("interface ib0") == 4


# --- the site's own command

FOLDERS = """import os, sys
from mpi4py import MPI
print("sees", MPI.COMM_WORLD.size, [os.path.ismount(path) for path in sys.argv[1:]], flush=True)
"""


@pytest.mark.parametrize("site", ["puhti", "roihu"])
def test_the_sites_command_binds_its_folders(site: str) -> None:
    """In the image are the disk areas that the command binds, what --bind named, and no other folder of the host."""
    at = load(site)
    shape = cases.shape(site, "")
    up = bed.Miniature(
        dataclasses.replace(shape, name=f"test-folders-{site}", folders=(*shape.folders, "/named", "/other"))
    ).up()
    try:
        place = up.workdir("folders")
        (place / "my.sif").symlink_to(images.made(site, at))
        (place / "folders.py").write_text(FOLDERS)
        request = {"workload": "mpi", "ntasks": 2, "program": "folders.py", "args": [*from_site.CENTRAL, "/named", "/other"]}
        request |= {"image": "my.sif", "bind": ["/named"], "account": "a", "time": "5m", "mem_per_cpu": "500M"}
        text = render(plan(at, merge([Layer("file", "request", request)])))
        (place / "job.sh").write_text(text)
        (place / "broken.sh").write_text(text.replace("csc-common-bind", "csc-common-bynd"))
        up.give(place)
        done = slurm.run(up, "job.sh", cwd=str(place), seconds=120).completed()
        assert done.output.count("sees 2 [True, True, True, False]") == 2
        if at.container.bind_command:
            done = slurm.run(up, "broken.sh", cwd=str(place), seconds=60)
            assert done.records[0]["ExitCode"] == "127:0" and "csc-common-bynd: command not found" in done.output
            assert "sees" not in done.output
    finally:
        up.down()
