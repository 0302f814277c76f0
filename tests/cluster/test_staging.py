"""What is staged is on every host of a job before its ranks start, and gone after it: on real Slurms, and on Grid Engine."""
from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from hpcgen import load, plan, render
from hpcgen.profiles.load import decode
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer, merge

from . import apptainer, bed, daskbed, examples, from_site, needs, slurm
from .test_gridengine import SITE

PROGRAM = Path(__file__).parent / "programs" / "stage_program.py"
ARCHIVES = {".tar": (), ".tgz": ("-z",), ".tar.gz": ("-z",), ".tar.bz2": ("-j",), ".tar.xz": ("-J",), ".tar.zst": ("--zstd",)}
BUILT_IN = (".tar", ".tgz", ".tar.gz")  # what needs no program beside gzip, which every Debian has
PLAIN = {"workload": "mpi", "nodes": 2, "ntasks": 4, "ntasks_per_node": 2, "cpus_per_task": 2}
ALONE = {"workload": "mpi", "ntasks": 2, "ntasks_per_node": 2, "cpus_per_task": 2}
HETJOB = {"hetjob": True, "plain": True, "exclusive": True, "workers": 3, "cpus_per_worker": 2, "scheduler_cpus": 1}
SUITES = ("", "trixie", "unstable")


class Beds:
    """One miniature at a time."""

    up: bed.Miniature | None = None

    def get(self, suite: str = "") -> bed.Miniature:
        name = f"test-staging{suite and '-'}{suite}"
        if self.up is None or self.up.shape.name != name:
            self.down()
            self.up = bed.Miniature(dataclasses.replace(from_site.shape(load("mahuika"), hosts=2, suite=suite), name=name)).up()
        return self.up

    def down(self) -> None:
        if self.up:
            self.up.down()
        self.up = None


@pytest.fixture(scope="module")
def beds():
    needs.or_skip()
    one = Beds()
    yield one
    one.down()


def files(folder: Path, home: Path, archives=BUILT_IN) -> dict[str, list[str]]:
    """Makes all kinds of things to stage; returns what each host must have, as the program tells it."""
    tree = folder / "in: put $(touch ran)"
    (tree / "-sub").mkdir(parents=True)
    for path, mode, text in (
        (tree / "b.txt", 0o644, "b"),
        (tree / "-sub" / ".run me", 0o751, "run"),
        (tree / "-sub" / "secret", 0o400, "s"),
        (folder / "-c: d", 0o755, "c alone"),
        (folder / "empty", 0o640, ""),
        (home / "mine", 0o664, "home"),
    ):
        path.write_text(text)
        path.chmod(mode)
    (tree / "link").symlink_to("-sub/secret")
    tree.chmod(0o750)
    (tree / "-sub").chmod(0o711)
    (folder / "linked").symlink_to("in: put $(touch ran)")
    want = {
        ".": ["0o700", ""], "-c: d": ["0o755", "c alone"], "empty": ["0o640", ""], "mine": ["0o664", "home"],
        **{f"{top}{path}": found for top in ("in: put $(touch ran)", "linked") for path, found in (
            ("", ["0o750", ""]), ("/b.txt", ["0o644", "b"]), ("/-sub", ["0o711", ""]), ("/-sub/.run me", ["0o751", "run"]),
            ("/-sub/secret", ["0o400", "s"]), ("/link", ["0o777", "-sub/secret"]))},
    }  # fmt: skip
    for number, suffix in enumerate(archives):
        (folder / "inner").mkdir(exist_ok=True)
        (folder / "inner" / "a.txt").write_text(suffix)
        (folder / "inner" / "a.txt").chmod(0o755)
        line = ["tar", "--force-local", *ARCHIVES[suffix], "-cf", f"a:{number}{suffix}", "inner"]
        subprocess.run(line, cwd=folder, check=True)
        want.update({f"a:{number}{path}": ["0o700", ""] for path in ("", "/inner")})
        want[f"a:{number}/inner/a.txt"] = ["0o700", suffix]
    return want


STAGED = ("in: put $(touch ran)/", "linked", "-c: d", "./empty", "~/mine")


def prepared(up, name, site: Site | None = None, archives=BUILT_IN, stage=None, **asked):
    """The folder of a job that stages everything, and what its program must tell."""
    folder = up.workdir(name, PROGRAM)
    want = files(folder, up.home, archives)
    stage = stage or (*STAGED, *(f"a:{number}{suffix}" for number, suffix in enumerate(archives)))
    values = {"account": "nesi99999", "time": "5m", "mem_per_cpu": "512M", "stage": stage, "program": PROGRAM.name, **asked}
    job = plan(site or load("mahuika"), merge([Layer("flag", "command line", values, strict=False)]))
    (folder / "job.sh").write_text(render(job))
    up.give(folder)
    up.give(up.home / "mine")
    return folder, want


def told(output: str) -> list[list]:
    return [json.loads(line[7:]) for line in output.splitlines() if line.startswith("staged ")]


def left(up) -> list[str]:
    """What any host has in its /tmp that is ours."""
    seen = {host.name: up.run(["ls", "/tmp"], host=host.name).stdout.split() for host in up.shape.hosts}
    return [line for lines in seen.values() for line in lines if "hpcgen" in line]


def broadcasts(up, job: slurm.Job) -> dict[str, set[str]]:
    """For each host, the files that its slurmd got by sbcast for this job."""
    found = {}
    for host in up.shape.hosts:
        log = (up.logs / f"slurmd-{host.name}.log").read_text()
        numbers = "|".join(one["JobId"] for one in job.records)
        got = set(re.findall(rf"sbcast req_uid=\d+ job_id=(?:{numbers}) fname=\S+\.sent/(\S+) block_no=1\b", log))
        found.update({host.name: got} if got else {})
    return found


KINDS = [("plain", PLAIN, 4, 2), ("hetjob", HETJOB, 5, 2), ("alone", ALONE, 2, 1)]


@pytest.mark.parametrize("name, asked, ranks, hosts", KINDS, ids=lambda kind: kind if isinstance(kind, str) else "")
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite or "bookworm")
def test_every_host_has_it(beds, suite, name, asked, ranks, hosts):
    """With its permissions, whatever its name; by sbcast where there are several hosts, of whatever component."""
    up = beds.get(suite)
    folder, want = prepared(up, name, archives=BUILT_IN if suite else tuple(ARCHIVES), **asked)
    with up.explaining(folder):
        done = slurm.run(up, "job.sh", cwd=str(folder)).completed()
        seen = told(done.output)
        assert len(seen) == ranks and len({host for host, *_ in seen}) == hosts, done.output
        for _, _, found in seen:
            assert found == want
        assert len({place for _, place, _ in seen}) == 1 and left(up) == [] and not (folder / "ran").exists()
        sent = {"1.tar", "2.tar", "3", "5", *(str(6 + n) for n in range(len(ARCHIVES) if not suite else len(BUILT_IN)))}
        assert broadcasts(up, done) == ({host: sent for host, *_ in seen} if hosts > 1 else {})
        # it may say that a step waited for the one before, whose memory was not free yet
        assert "srun: error" not in done.output, done.output


def elsewhere(place: str) -> Site:
    site = load("mahuika")
    return msgspec.structs.replace(site, storage=msgspec.structs.replace(site.storage, local=place, in_memory=False))


def failed(up, folder) -> str:
    """The line of ours that a job ends with, without its host; and nothing of the program, nor on any disk."""
    done = slurm.run(up, "job.sh", cwd=str(folder))
    with up.explaining(folder):
        assert {one["JobState"] for one in done.records} == {"FAILED"} and told(done.output) == [] and left(up) == []
        ours = [line for line in done.output.splitlines() if line.startswith("hpcgen: ")]
        lines = {re.sub("^hpcgen: staging on [^ ]+ failed: ", "", line) for line in ours}
        assert len(lines) == 1, done.output
        return lines.pop()


def disks(up, size: str) -> None:
    """/disk, which each host has for itself; Apptainer, in its own Debian, sees it too."""
    other = f"{apptainer.TOP}/root/disk"
    words = f"mkdir -p /disk {other}; mountpoint -q /disk || mount -t tmpfs tmpfs /disk; mount --bind /disk {other}"
    for host in up.shape.hosts:
        up.run(["sh", "-c", f"{words}; mount -o remount,size={size},mode=1777 /disk"], host=host.name, user="root")


@pytest.mark.parametrize("name, asked, ranks, hosts", KINDS, ids=lambda kind: kind if isinstance(kind, str) else "")
@pytest.mark.parametrize("place", ["/disk", ""], ids=["disk", "tmp"])
def test_an_image_sees_it(beds, place, name, asked, ranks, hosts):
    """By Apptainer itself where it is below /tmp, which that binds; by the script's own word elsewhere."""
    up = beds.get()
    disks(up, "10m")
    site = elsewhere(place) if place else load("mahuika")
    folder, want = prepared(up, f"image-{name}", site, **asked, image="my.sif")
    (folder / "my.sif").symlink_to(apptainer.IMAGE)
    with up.explaining(folder):
        done = slurm.run(up, "job.sh", cwd=str(folder)).completed()
        seen = told(done.output)
        assert [found for _, _, found in seen] == [want] * ranks and len({host for host, *_ in seen}) == hosts, done.output
        assert all(one.startswith(place or "/tmp") for _, one, _ in seen) and "\nimage /" in f"\n{done.output}"
        assert left(up) == [] and all(up.run(["ls", "/disk"], host=host.name).stdout == "" for host in up.shape.hosts)


@pytest.mark.parametrize(
    "name, asked, memory", [("plain", PLAIN, [2048, 2048]), ("hetjob", HETJOB, [2048, 31744]), ("alone", ALONE, [2048])]
)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite or "bookworm")
def test_the_copying_has_the_jobs_memory(beds, suite, name, asked, memory):
    """All that the job has on the node, of which a step of one CPU would have one CPU's part."""
    up = beds.get(suite)
    folder, _ = prepared(up, f"memory-{name}", stage=("linked",), **asked)
    script = folder / "job.sh"
    text, first = script.read_text(), "\numask 077\ncase $0 in\n"
    assert text.count(first) == 1
    script.write_text(text.replace(first, f'\necho "memory $0 $(ulimit -m)"{first}'))
    with up.explaining(folder):
        done = slurm.run(up, "job.sh", cwd=str(folder)).completed()
        # KiB, which slurmstepd sets as the limit of a task's resident memory
        seen = [(verb, int(size) >> 10) for verb, size in re.findall(r"^memory (\w+) (\d+)$", done.output, re.MULTILINE)]
        assert sorted(size for verb, size in seen if verb == "copy") == memory, done.output
        assert max(size for verb, size in seen if verb == "remove") < max(memory), done.output
        assert told(done.output), done.output


@pytest.mark.parametrize("kind", [PLAIN, HETJOB, ALONE], ids=["plain", "hetjob", "alone"])
def test_what_is_not_there_ends_the_job(beds, kind):
    up = beds.get()
    folder, _ = prepared(up, "missing", stage=("linked", "gone"), **kind)
    assert failed(up, folder) == "gone" + (": no such file or folder" if kind is not ALONE else "")


@pytest.mark.parametrize("kind", [PLAIN, HETJOB, ALONE], ids=["plain", "hetjob", "alone"])
def test_no_such_place_on_the_nodes(beds, kind):
    up = beds.get()
    folder, _ = prepared(up, "nowhere", elsewhere("/no where"), stage=("linked",), **kind)
    assert failed(up, folder) == "cannot make a folder in /no where"


def test_the_node_that_fails_is_named(beds):
    """A job's HOSTNAME is that of its first node, on all of them."""
    up = beds.get()
    for host in up.shape.hosts:
        if host.name.endswith("-01"):
            up.run(["sh", "-c", "mkdir -p /half && chmod 1777 /half"], host=host.name, user="root")
    folder, _ = prepared(up, "half", elsewhere("/half"), stage=("linked",), **PLAIN)
    with up.explaining(folder):
        output = slurm.run(up, "job.sh", cwd=str(folder)).output
        named = set(re.findall("^hpcgen: staging on ([^ ]+) failed: cannot make a folder", output, re.MULTILINE))
        assert named and named <= {"milan-02", "milan-a100-02"}, output


def test_sbcast_that_fails_ends_the_job(beds):
    """On a disk that is too small, sbcast has a line for each host; of these the job shows one."""
    up = beds.get()
    disks(up, "1m")
    folder, _ = prepared(up, "full", elsewhere("/disk"), stage=("big",), **PLAIN)
    (folder / "big").write_bytes(bytes(3 << 20))
    up.give(folder)
    line = r"big: cannot send it to /disk: sbcast: error: REQUEST_FILE_BCAST\(milan-\S+\): \w.*"
    assert re.fullmatch(line, failed(up, folder))
    assert all(up.run(["ls", "/disk"], host=host.name).stdout == "" for host in up.shape.hosts)


def test_an_archive_that_the_nodes_cannot_unpack(beds):
    """This Debian has no zstd."""
    up = beds.get("trixie")
    folder, _ = prepared(up, "zstd", archives=(".tar.zst",), stage=("a:0.tar.zst",), **PLAIN)
    assert failed(up, folder) == "a:0.tar.zst: zstd is not installed here: stage a .tar.gz"


def owned(up) -> set[str]:
    """Hosts on which a job sees a /tmp of its own."""
    call = ["srun", "-A", "nesi99999", "-t1", "-N2", "-n2", "--mpi=none", "sh", "-c", "touch /tmp/seen; hostname"]
    hosts = set(up.run(call).stdout.split())
    return {host for host in hosts if "seen" not in up.run(["ls", "/tmp"], host=host).stdout.split()}


@pytest.mark.parametrize("asked, ranks, hosts", [(PLAIN, 4, 2), (HETJOB, 5, 1)], ids=["plain", "hetjob"])
def test_jobs_with_a_tmp_of_their_own(asked, ranks, hosts):
    """Where a plugin for steps makes it, which slurmd does not follow: each node copies for itself, and it is said."""
    needs.or_skip()
    shape = dataclasses.replace(from_site.shape(load("mahuika"), hosts=2), name="test-own-tmp")
    plugin = bed.BEDS / shape.name / "run" / "private_tmp.so"
    files = {**shape.files, "/etc/slurm/plugstack.conf": f"optional {plugin}\n"}
    up = bed.Miniature(dataclasses.replace(shape, files=files)).up()
    try:
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(plugin), str(PROGRAM.parent / "private_tmp.c")], check=True)
        assert len(owned(up)) == 2
        folder, want = prepared(up, "own", **asked)
        with up.explaining(folder):
            done = slurm.run(up, "job.sh", cwd=str(folder)).completed()
            assert [found for _, _, found in told(done.output)] == [want] * ranks, done.output
            assert "each node reads the files itself" in done.output
            # the first attempt shows that it is in vain
            tried = broadcasts(up, done)
            assert len(tried) == hosts and all(files == {"1.tar"} for files in tried.values())
    finally:
        up.down()


# Starts Open MPI's daemons, and as ssh does hands none of the job's own variables on.
AGENT = """#!/bin/bash
unset ${!HPCGEN_@}
exec srun --overlap --mpi=none --nodes=1 --ntasks=1 --nodelist="$1" bash -c "${*:2}"
"""


@pytest.fixture(scope="module")
def dask():
    needs.or_skip()
    up = bed.Miniature(dataclasses.replace(daskbed.SHAPE, name="test-staging-openmpi")).up()
    yield up
    up.down()


@pytest.mark.parametrize("by", ["slurm", "agent"])
def test_by_open_mpi(dask, by):
    """Its mpirun over two hosts; by the agent, they know of what is staged only what mpirun itself hands on."""
    facts = {"flavour": "openmpi", "launcher": "mpirun", "source": "x"}
    agent = dask.home / "agent"
    if by == "agent":
        agent.write_text(AGENT)
        agent.chmod(0o755)
        facts["options"] = ["--prtemca", "plm", "ssh", "--prtemca", "plm_ssh_agent", str(agent)]
    whole = {**PLAIN, "exclusive": True, "account": None, "mem_per_cpu": None}
    folder, want = prepared(dask, f"openmpi-{by}", daskbed.site("openmpi", mpi=facts), **whole)
    with dask.explaining(folder):
        done = slurm.run(dask, "job.sh", cwd=str(folder)).completed()
        seen = told(done.output)
        assert len(seen) == 4 and len({host for host, *_ in seen}) == 2, done.output
        assert [found for _, _, found in seen] == [want] * 4 and left(dask) == []


@pytest.fixture(scope="module")
def grid():
    needs.or_skip()
    up = bed.Miniature(dataclasses.replace(examples.GRID, name="grid-staging")).up()
    yield up
    up.down()


GRID = {**SITE, "sge": {"pe_one": "smp", "pe_many": "mpi", "source": "x"}}
ONE, TWO = {"workload": "mpi", "ntasks": 3, "nodes": 1}, {"workload": "mpi", "ntasks": 6}


def ended(up, name, **asked) -> tuple[str, dict[str, list[str]]]:
    """The output of a job of Grid Engine, and what any host has in its /tmp after it."""
    own = {"account": None, "mem_per_cpu": None, "output": "out.txt", **asked}
    folder, want = prepared(up, name, decode("grid", GRID, "grid.toml"), **own)
    up.run(["qsub", "-sync", "y", "job.sh"], cwd=str(folder), seconds=180, check=False)
    return (folder / "out.txt").read_text(), want


@pytest.mark.parametrize("asked, ranks, hosts", [(ONE, 3, 1), (TWO, 6, 2)], ids=["one host", "two hosts"])
def test_on_grid_engine(grid, asked, ranks, hosts):
    """Grid Engine has nothing like sbcast: on each host one of the ranks copies, the others wait for it."""
    output, want = ended(grid, "grid", archives=tuple(ARCHIVES), **asked)
    seen = told(output)
    assert len(seen) == ranks and len({host for host, *_ in seen}) == hosts, output
    for _, _, found in seen:
        assert found == want
    assert left(grid) == []


@pytest.mark.parametrize("asked", [ONE, TWO], ids=["one host", "two hosts"])
def test_what_is_not_there_ends_the_job_on_grid_engine(grid, asked):
    output, _ = ended(grid, "gone", stage=("linked", "gone"), **asked)
    ours = {re.sub(r"^.*hpcgen: staging on node\d+ ", "", line) for line in output.splitlines() if "hpcgen: " in line}
    assert ours == {"failed: gone"} and told(output) == [] and left(grid) == [], output
