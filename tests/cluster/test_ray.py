"""Ray over the hosts of a miniature, by scripts as they are emitted: today's Ray, and one from before tokens and
symmetric-run."""
from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import frameworks, needs

needs.or_skip()

from . import bed, net, slurm  # noqa: E402
from .patience import LONGER, allowed  # noqa: E402

PROGRAM = Path(__file__).parent / "programs" / "ray_program.py"
RAYS = ("ray", "ray-2.9")
MIB = 2**20


@pytest.fixture(scope="module")
def up() -> Iterator[bed.Miniature]:
    one = bed.Miniature(frameworks.shape("ray")).up()
    yield one
    one.down()


def folder(up: bed.Miniature, name: str, ray: str = "ray", **request: Any) -> Path:
    place = up.workdir(name, PROGRAM)
    values = {"workload": "ray", "program": PROGRAM.name, "mem": "3G", **request}
    (place / "job.sh").write_text(frameworks.script(ray, **values))
    up.give(place)
    return place


def job(up: bed.Miniature, name: str, ray: str = "ray", seconds: float = 150, **request: Any) -> slurm.Job:
    done = slurm.run(up, "job.sh", cwd=str(folder(up, name, ray, **request)), seconds=seconds)
    assert left(up) == []
    return done


def left(up: bed.Miniature) -> list[str]:
    """Processes and folders of Ray's on any host; for a second they may be those of a job that is just ending."""
    look = (
        "pgrep -u researcher -fa '[r]aylet|[g]cs_server|[r]ay::|[r]ay[.]scripts|[l]og_monitor'; "
        "ls -d /tmp/ray* 2>/dev/null; true"
    )
    deadline = time.monotonic() + allowed(2)
    while True:
        found = [line for host in up.shape.hosts for line in up.run(["sh", "-c", look], host=host.name).stdout.splitlines()]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def nodes(output: str) -> dict[str, list[str]]:
    """Each node's address, CPUs, GPUs, memory and object store, as Ray has them."""
    return {host: rest.split() for host, rest in re.findall(r"^node (\S+) (.*)$", output, re.MULTILINE)}


def tasks(output: str) -> Any:
    return json.loads(re.findall(r"^tasks (.*)$", output, re.MULTILINE)[0])


@pytest.mark.parametrize("ray", RAYS)
def test_over_three_hosts(up: bed.Miniature, ray: str) -> None:
    done = job(up, f"three-{ray}", ray, nodes=3, cpus_per_task=2, args=["auto", "a b", ":"]).completed()
    hosts = up.hosts_of(done.records[0]["NodeList"])
    seen = nodes(done.output)
    assert sorted(seen) == hosts and "head node-01" in done.output and '["auto", "a b", ":"]' in done.output
    for address, cpus, gpus, memory, store in seen.values():
        assert address.startswith(net.NETS[1]) and (cpus, gpus) == ("2", "0")
        assert int(store) == 921 * MIB and int(memory) == (3072 - 921) * MIB
    where, each = tasks(done.output)
    assert set(where) <= set(hosts) and len(where) > 1 and each == [["1", 2]]
    assert re.search(r"^hpcgen: node-01: Ray [\d.]+: 3 nodes, 6 CPUs, 0 GPUs at 10\.202\.", done.output, re.MULTILINE)


@pytest.mark.parametrize("ray", RAYS)
def test_a_small_head_in_a_component_of_its_own(up: bed.Miniature, ray: str) -> None:
    request = {
        "hetjob": True,
        "workers": 2,
        "cpus_per_worker": 3,
        "mem_per_cpu": "1G",
        "mem": None,
        "object_store_memory": "500M",
    }
    done = job(up, f"het-{ray}", ray, **request).completed()
    head = up.hosts_of(done.records[0]["NodeList"])
    workers = up.hosts_of(done.records[1]["NodeList"])
    seen = nodes(done.output)
    assert sorted(seen) == sorted(head + workers) and f"head {head[0]}" in done.output
    assert [seen[host][1] for host in (*head, *workers)] == ["0", "3", "3"]
    assert [int(seen[host][4]) // MIB for host in (*head, *workers)] == [4096 * 3 // 10, 500, 500]
    assert set(tasks(done.output)[0]) <= set(workers)


def test_nodes_of_ones_own(up: bed.Miniature) -> None:
    """Unasked, Ray has all CPUs of each host, on which a task may run, and the memory that it finds there."""
    fewer = {"RAY_enable_worker_prestart": "0"}  # a Python for each CPU would be started
    done = job(up, "own", nodes=2, mem=None, partition="whole", args=["whole"], env=fewer).completed()
    cpus, mib = frameworks.NODE
    seen = nodes(done.output)
    assert sorted(seen) == up.hosts_of(done.records[0]["NodeList"]) and [found[1] for found in seen.values()] == [str(cpus)] * 2
    assert all(0.8 < (int(memory) + int(store)) / MIB / mib <= 1 for *_, memory, store in seen.values()), seen
    assert tasks(done.output)[1] == [[str(cpus), cpus]]
    assert done.records[0]["TRES"].startswith(f"cpu={2 * cpus},mem={2 * mib >> 10}G,node=2,")


def test_gpus(up: bed.Miniature) -> None:
    done = job(up, "gpus", nodes=2, gpus_per_node="2").completed()
    assert [node[2] for node in nodes(done.output).values()] == ["2", "2"]


@pytest.mark.parametrize("end, status", [("3", "3:0"), ("raise", "1:0"), ("kill", "137:0")])
def test_status_of_the_program_is_the_jobs(up: bed.Miniature, end: str, status: str) -> None:
    done = job(up, f"end-{end}", nodes=2, args=[end])
    assert done.records[0]["ExitCode"] == status
    assert ("ValueError: on purpose" in done.output) == (end == "raise")


def test_two_jobs_on_the_same_hosts(up: bed.Miniature) -> None:
    """The one that ends first takes nothing of the other's along."""
    place = folder(up, "two", nodes=3, args=["sleep5"])
    other = folder(up, "two-more", nodes=3)
    numbers = [slurm.submit(up, "job.sh", cwd=str(where)) for where in (place, other)]
    done = [slurm.Job(up, number, slurm.wait(up, number, 240), 0).completed() for number in numbers]
    assert [len(nodes(one.output)) for one in done] == [3, 3] and left(up) == []
    assert done[0].records[0]["NodeList"] == done[1].records[0]["NodeList"]
    assert done[0].records[0]["StartTime"] < done[1].records[0]["EndTime"] > done[1].records[0]["StartTime"]


@pytest.mark.parametrize("more", [{}, {"symmetric_run": True}], ids=["classic", "symmetric"])
def test_it_ends_within_seconds(up: bed.Miniature, more: Any) -> None:
    program = "import time, ray; ray.init(); print('ended', time.time(), flush=True)\n"
    place = folder(up, "quick", nodes=3, program="quick.py", **more)
    (place / "quick.py").write_text(program)
    with (place / "job.sh").open("a") as script:
        script.write("date +'over %s.%N'\n")
    done = slurm.run(up, "job.sh", cwd=str(place), seconds=150).completed()
    ended, over = (float(re.findall(rf"^{word} ([\d.]+)$", done.output, re.MULTILINE)[0]) for word in ("ended", "over"))
    print(f"from the program's end to the step's: {over - ended:.1f} s")
    assert over - ended < allowed(5) and left(up) == []


def test_a_warning_before_the_end_is_for_the_program(up: bed.Miniature) -> None:
    number = slurm.submit(up, "job.sh", cwd=str(folder(up, "signal", nodes=2, args=["sleep400"])))
    _until(up, number, "tasks")
    up.run(["scancel", "--signal=USR1", number])
    assert slurm.wait(up, number, 30)[0]["ExitCode"] == "7:0" and left(up) == []


def test_cancelled(up: bed.Miniature) -> None:
    number = slurm.submit(up, "job.sh", cwd=str(folder(up, "cancel", nodes=2, args=["sleep400"])))
    _until(up, number, "tasks")
    up.run(["scancel", number])
    assert slurm.wait(up, number, 30)[0]["JobState"] == "CANCELLED" and left(up) == []


def test_nodes_that_do_not_join(up: bed.Miniature) -> None:
    """The script is told of three nodes, and the job has two; on a busy machine these two want longer to join."""
    for wait in (20, 90):
        place = folder(up, "missing", nodes=2)
        script = (place / "job.sh").read_text().replace('{"nodes": 2', f'{{"wait": {wait}, "nodes": 3')
        (place / "job.sh").write_text(script)
        done = slurm.run(up, "job.sh", cwd=str(place), seconds=150)
        assert done.state == "FAILED" and left(up) == []
        said = [line for line in done.output.splitlines() if line.startswith("hpcgen:")]
        if said != [f"hpcgen: node-01: 1 of 3 nodes have joined: node-01 after {wait} s"]:
            break
    assert said == [f"hpcgen: node-01: 2 of 3 nodes have joined: node-01 node-02 after {wait} s"]


def test_a_head_that_does_not_start(up: bed.Miniature) -> None:
    """All end at once, and one line says why."""
    place = folder(up, "broken", nodes=3)
    script = (place / "job.sh").read_text().replace('"cpus": 1', '"cpus": "one"')
    (place / "job.sh").write_text(script)
    done = slurm.run(up, "job.sh", cwd=str(place), seconds=60)
    said = [line for line in done.output.splitlines() if line.startswith("hpcgen:")]
    assert done.state == "FAILED" and len(said) == 1 and "'one' is not a valid integer" in said[0]
    assert done.seconds < allowed(30) and left(up) == []


def test_no_ray_there(up: bed.Miniature) -> None:
    place = folder(up, "without", nodes=2)
    text = (place / "job.sh").read_text().replace(str(frameworks.venv("ray")), str(frameworks.venv("torch")))
    (place / "job.sh").write_text(text if frameworks.ready("torch") else text.replace("python -c", "/usr/bin/python3 -c"))
    done = slurm.run(up, "job.sh", cwd=str(place), seconds=60)
    said = [line for line in done.output.splitlines() if line.startswith("hpcgen:")]
    assert done.state == "FAILED" and len(said) == 1 and "No module named 'ray'" in said[0]


def test_self_check(up: bed.Miniature) -> None:
    done = job(up, "check", nodes=2, cpus_per_task=2, program=None).completed()
    assert "Ray result: 1240 of 1240" in done.output and "with OMP_NUM_THREADS 1" in done.output


@pytest.mark.parametrize("end, status", [("3", "3:0"), ("kill", "137:0")])
def test_symmetric_run(up: bed.Miniature, end: str, status: str) -> None:
    """Ray's own command over three hosts, on the fast network, with the program's status."""
    done = job(up, f"symmetric-{end}", nodes=3, cpus_per_task=2, exclusive=True, symmetric_run=True, args=[end, "a b", ":"])
    assert done.records[0]["ExitCode"] == status, done.output
    seen = nodes(done.output)
    assert sorted(seen) == up.hosts_of(done.records[0]["NodeList"])
    assert json.dumps([end, "a b", ":"]) in done.output and "Running command on head node" in done.output
    for address, cpus, _, memory, store in seen.values():
        assert address.startswith(net.NETS[1]) and cpus == "2"
        assert int(store) == 921 * MIB and int(memory) == (3072 - 921) * MIB
    assert len(tasks(done.output)[0]) > 1


def test_symmetric_run_with_a_small_head(up: bed.Miniature) -> None:
    request = {"hetjob": True, "workers": 2, "cpus_per_worker": 3, "mem_per_cpu": "1G", "mem": None, "symmetric_run": True}
    done = job(up, "symmetric-het", **request).completed()
    head, workers = (up.hosts_of(one["NodeList"]) for one in done.records)
    assert {host: found[1] for host, found in nodes(done.output).items()} == {head[0]: "0", **dict.fromkeys(workers, "3")}
    assert set(tasks(done.output)[0]) <= set(workers)


def test_symmetric_run_where_ray_is_older(up: bed.Miniature) -> None:
    """One line says that it has none, and the cluster is the classic one."""
    done = job(up, "symmetric-older", "ray-2.9", nodes=2, symmetric_run=True, args=["3"])
    said = [line for line in done.output.splitlines() if line.startswith("hpcgen:") and "symmetric-run" in line]
    assert said == ["hpcgen: node-01: Ray 2.9.3 has no symmetric-run, which is new in 2.49: using ray start"]
    assert done.records[0]["ExitCode"] == "3:0" and len(nodes(done.output)) == 2


def test_symmetric_run_that_does_not_start(up: bed.Miniature) -> None:
    """Ray's own command would end with 0, and the job be a success."""
    place = folder(up, "symmetric-broken", nodes=2, symmetric_run=True)
    script = (place / "job.sh").read_text().replace('"cpus": 1', '"cpus": "one"')
    (place / "job.sh").write_text(script)
    done = slurm.run(up, "job.sh", cwd=str(place), seconds=90)
    said = [line for line in done.output.splitlines() if line.startswith("hpcgen:")]
    assert done.state == "FAILED" and len(said) == 1 and "before the program" in said[0], done.output
    assert "'one' is not a valid integer" in done.output and left(up) == []


def test_symmetric_run_beside_another_ray(up: bed.Miniature) -> None:
    """It takes no node on which a Ray runs, and says so; that one goes on."""
    other = slurm.submit(up, "job.sh", cwd=str(folder(up, "symmetric-other", nodes=2, args=["sleep400"])))
    _until(up, other, "tasks")
    done = slurm.run(up, "job.sh", cwd=str(folder(up, "symmetric-beside", nodes=2, symmetric_run=True)), seconds=60)
    assert done.state == "FAILED" and "Ray is already started on this node" in done.output
    assert slurm.show(up, other)[0]["JobState"] == "RUNNING"
    up.run(["scancel", other])
    slurm.wait(up, other, 30)
    assert left(up) == []


def _until(up: bed.Miniature, number: str, word: str) -> None:
    for _ in range(300 * LONGER):
        records = slurm.show(up, number)
        if records and word in slurm.Job(up, number, records, 0).output:
            return
        time.sleep(0.2)
    up.fail(f"job {number} did not come to {word}")
