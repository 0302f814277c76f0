"""The first process of a host: it furnishes the host's private root, starts its daemons and answers for its CPUs.

Run by bed.py inside new namespaces (mount, host name, processes, IPC, network). The root is an overlay over this
machine's root, or over another Debian's: what a host writes stays in its own memory and ends with it.
"""
from __future__ import annotations

import ctypes
import json
import os
import stat
import subprocess
import sys
import time
import uuid
from pathlib import Path

from . import affinity, machine
from .patience import LONGER
from .shape import Node

DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
    "fuse": (10, 229),
}


def mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)


def furnish(spec: dict, top: Path) -> Path:
    """The new root, complete but not yet entered."""
    mount("-t", "tmpfs", "-o", "mode=755", "host", top)
    for name in ("upper", "work", "root"):
        (top / name).mkdir()
    root = top / "root"
    mount("-t", "overlay", "-o", f"lowerdir={spec['lower']},upperdir={top}/upper,workdir={top}/work", "overlay", root)
    mount("-t", "proc", "proc", root / "proc")
    mount("-t", "sysfs", "sysfs", root / "sys")
    if Path("/sys/fs/cgroup").is_dir():
        mount("--rbind", "/sys/fs/cgroup", root / "sys/fs/cgroup")
    for name, mode in (("tmp", "1777"), ("run", "755"), ("dev", "755"), ("var/tmp", "1777")):
        mount("-t", "tmpfs", "-o", f"mode={mode}", name, root / name)
    devices(root / "dev", spec["devices"])
    for path in spec["binds"]:
        place(root, path)
        mount("--rbind", path, root / path.lstrip("/"))
    for source, path in spec["placed"]:
        place(root, path, folder=Path(source).is_dir())
        mount("--bind", source, root / path.lstrip("/"))
    for path, text in spec["files"].items():
        write(root / path.lstrip("/"), text)
    (root / "root").chmod(0o711)  # a Python of root's own may be the one that runs the generator
    pretend(root, Node(**spec["node"]))
    if spec["other"]:
        second(spec, top, root)
    return root


def second(spec: dict, top: Path, root: Path) -> None:
    """Another Debian inside the host, with the host's own folders in it: where Apptainer runs."""
    for name in ("upper2", "work2"):
        (top / name).mkdir()
    other = root / spec["other"]["top"].lstrip("/")
    other.mkdir(parents=True)
    mount(
        "-t", "overlay", "-o", f"lowerdir={spec['other']['lower']},upperdir={top}/upper2,workdir={top}/work2", "overlay", other
    )
    files = ["/etc/hosts", "/etc/passwd", "/etc/group", "/etc/resolv.conf"]
    for path in [
        "/proc",
        "/sys",
        "/dev",
        "/tmp",
        "/run",
        "/var/tmp",
        *spec["binds"],
        *(path for _, path in spec["placed"]),
        *files,
    ]:
        source = root / path.lstrip("/")
        place(other, path, folder=source.is_dir())
        mount("--rbind", source, other / path.lstrip("/"))


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_text(text)
    if file.suffix == ".key":  # a daemon refuses a secret that others could have written
        file.chmod(0o400)
        os.chown(file.parent, 0, 0)
        file.parent.chmod(0o700)
    elif text.startswith("#!"):
        file.chmod(0o755)


def place(root: Path, path: str, folder: bool = True) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if folder:
        target.mkdir(exist_ok=True)
    else:
        target.touch()


def devices(folder: Path, dummies: list[str]) -> None:
    for name, (major, minor) in DEVICES.items():
        os.mknod(folder / name, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
        (folder / name).chmod(0o666)
    for name in ("pts", "shm"):
        (folder / name).mkdir()
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", folder / "pts")
    mount("-t", "tmpfs", "-o", "mode=1777", "shm", folder / "shm")
    for name, target in (
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "fd/0"),
        ("stdout", "fd/1"),
        ("stderr", "fd/2"),
    ):
        (folder / name).symlink_to(target)
    for minor, name in enumerate(dummies):  # NVIDIA's numbers, with no driver behind them
        os.mknod(folder / name, 0o666 | stat.S_IFCHR, os.makedev(195, minor))


def pretend(root: Path, node: Node) -> None:
    shown = root / "run/machine"
    shown.mkdir()
    machine.write_sys(shown, node)
    (shown / "cpuinfo").write_text(machine.cpuinfo(node))
    (shown / "meminfo").write_text(machine.meminfo(node))
    for name in ("cpu", "node"):
        for place in (f"sys/devices/system/{name}", f"sys/bus/{name}/devices"):  # hwloc reads the latter
            if (root / place).is_dir():
                mount("--bind", shown / name, root / place)
    # the real devices say beside which real CPUs they are
    (shown / "devices").mkdir()
    if (root / "sys/bus/pci/devices").is_dir():
        mount("--bind", shown / "devices", root / "sys/bus/pci/devices")
    (shown / "cpuset").write_text(f"0-{node.cpus - 1}\n")
    for file in machine.cpusets(Path("/proc/self/cgroup").read_text()):
        if (root / file).is_file():
            mount("--bind", shown / "cpuset", root / file)
    # by this number MPIs tell whether two ranks share a machine
    (shown / "boot_id").write_text(f"{uuid.uuid4()}\n")
    for name, path in (("cpuinfo", "cpuinfo"), ("meminfo", "meminfo"), ("boot_id", "sys/kernel/random/boot_id")):
        mount("--bind", shown / name, root / "proc" / path)


def enter(root: Path) -> None:
    (root / "run/outside").mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.pivot_root(os.fsencode(root), os.fsencode(root / "run/outside")):
        raise OSError(ctypes.get_errno(), "pivot_root")
    os.chdir("/")
    subprocess.run(["umount", "--lazy", "/run/outside"], check=True)


def wait_for_network(names: list[str]) -> None:
    deadline = time.monotonic() + 15 * LONGER
    while not all(Path("/sys/class/net", name).exists() for name in names):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no interface {', '.join(names)}")
        time.sleep(0.02)


def start(daemon: dict, cpus: int) -> int:
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **daemon["env"]}
    log = os.open(daemon["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for folder in daemon["folders"]:
        Path(folder).mkdir(parents=True, exist_ok=True)
    pid = affinity.spawn(daemon["argv"], env, log, cpus)
    os.close(log)
    deadline = time.monotonic() + 10 * LONGER
    while daemon["until"] and not Path(daemon["until"]).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return pid


def main(spec_file: str) -> None:
    spec = json.loads(Path(spec_file).read_text())
    os.umask(0o022)
    subprocess.run(["hostname", spec["name"]], check=True)
    # libc's first use of some modules must come before the old root is gone
    "".encode("idna")
    enter(furnish(spec, Path(spec["top"])))
    wait_for_network(spec["interfaces"])
    running = {}
    for daemon in spec["daemons"]:
        running[start(daemon, Node(**spec["node"]).cpus)] = daemon["argv"]
    ready = Path(spec["ready"])
    ready.write_text("ready\n")
    while True:  # the host's process 1 buries what others leave
        try:
            pid, status = os.wait()
        except ChildProcessError:
            time.sleep(0.2)
            continue
        if pid in running:
            print("ended:", *running[pid], os.waitstatus_to_exitcode(status), flush=True)
            ready.unlink(missing_ok=True)


if __name__ == "__main__":
    main(sys.argv[1])
