"""Brings a miniature up, enters it, takes it down."""
from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Iterator

from . import apptainer, gridengine, modules, mpi, net, processes, slurm, suites
from .patience import LONGER
from .shape import LOGIN, Node, Shape

BEDS = Path(os.environ.get("HPCGEN_TEST_BEDS", "/var/tmp/hpcgen-cluster"))
CHECKOUT = Path(__file__).resolve().parents[2]
USER, UID = "researcher", 61234
SCHEDULERS: dict[str, ModuleType] = {"slurm": slurm, "gridengine": gridengine}


class Broken(Exception):
    """The miniature itself failed; the message names the folder of logs."""


class Miniature:
    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.scheduler = SCHEDULERS[shape.scheduler]
        self.folder = BEDS / shape.name
        self.logs = self.folder / "logs"
        self.home = self.folder / "home"
        self.state = self.folder / "state.json"
        self.interfaces = ["eth0", shape.interface] if shape.interface else ["eth0"]
        self.numbers = {LOGIN: 1, **{host.name: number for number, host in enumerate(shape.hosts, start=11)}}
        # in the unstable suite itself it is a program like any other
        self.apptainer = shape.suite != "unstable" and suites.ready("unstable")

    # --- up and down

    def up(self) -> Miniature:
        with self._locked():
            if not self.healthy():
                self._down()
                try:
                    self._up()
                except BaseException:
                    self._stop()
                    raise
        return self

    def down(self) -> None:
        with self._locked():
            self._down()

    def _up(self) -> None:
        self._folders()
        pids: dict[str, int] = {}
        for name, number in self.numbers.items():
            # hosts live in the login host's process namespace, and so end with it
            pids[name] = self._boot(name, pids.get(LOGIN))
            self._save(pids)
            if name == LOGIN:
                net.login(pids[name], self.interfaces)
            else:
                net.host(pids[LOGIN], pids[name], number, self.interfaces)
        for name in self.numbers:
            self._await(name, pids[name])
        self.scheduler.prepare(self)

    def _folders(self) -> None:
        for name in ("logs", "home", "modules", "run", "munge"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "munge.secret").write_text(secrets.token_hex(64))
        (self.folder / "munge.secret").chmod(0o600)
        modules.write(self.shape, self.folder / "modules")
        for path in (self.home, self.folder / "disk", *map(self.disk, (*self.shape.folders, *self.shape.venvs))):
            path.mkdir(parents=True, exist_ok=True)
        for path in (self.home, self.folder / "disk"):
            self.give(path)

    def disk(self, path: str) -> Path:
        """Where the hosts' shared folder really is."""
        return self.folder / "disk" / path.lstrip("/")

    def _boot(self, name: str, inside: int | None) -> int:
        spec = self.folder / "run" / f"{name}.json"
        spec.write_text(json.dumps(self._spec(name)))
        (self.folder / "run" / "top" / name).mkdir(parents=True, exist_ok=True)
        return processes.boot(spec, self.logs / f"host-{name}.log", self.folder, inside)

    def _ready(self, name: str) -> Path:
        """The host writes it when its daemons run, and takes it away when one ends."""
        return self.folder / "run" / f"{name}.ready"

    def _await(self, name: str, pid: int) -> None:
        deadline = time.monotonic() + 20 * LONGER
        while not self._ready(name).exists():
            if not processes.started(pid) or time.monotonic() > deadline:
                self.fail(f"host {name} does not start")
            time.sleep(0.02)

    def _down(self) -> None:
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop(self) -> None:
        """Process 1 of the login host takes every other process, mount and interface with it."""
        if not processes.kill({**processes.strays(self.folder), **dict(saved(self.state).values())}):
            self.fail("the miniature's processes do not end")
        self.state.unlink(missing_ok=True)

    # --- what is written down

    def _save(self, pids: dict[str, int]) -> None:
        record = {"digest": self.shape.digest(), "pids": {name: [pid, processes.started(pid)] for name, pid in pids.items()}}
        self.state.write_text(json.dumps(record, indent=1) + "\n")

    def healthy(self) -> bool:
        """Every host and every daemon lives, the shape is the same, and the scheduler answers."""
        if set(saved(self.state)) != set(self.numbers) or not lives(self.state):
            return False
        if not all(self._ready(name).exists() for name in self.numbers):
            return False
        return json.loads(self.state.read_text())["digest"] == self.shape.digest() and self.scheduler.answers(self)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        BEDS.mkdir(parents=True, exist_ok=True)
        with open(BEDS / f"{self.shape.name}.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # --- hosts

    def _spec(self, name: str) -> dict:
        """All that host.py needs to know; it runs before the host has anything of ours."""
        shape, logs = self.shape, str(self.logs)
        host = next((host for host in shape.hosts if host.name == name), None)
        node = host.node if host else Node(cores=os.cpu_count() or 1)
        placed = [[str(self.disk(path)), path] for path in shape.folders] + suites.libraries(shape.suite)
        placed += [[str(mpi.venv(shape.suite, kind)), path] for path, kind in shape.venvs.items()]
        if shape.pmi_library:
            placed.append([str(suites.pmi_library(shape.suite)), shape.pmi_library])
        return {
            "name": name,
            "node": asdict(node),
            "lower": str(suites.root(shape.suite)),
            "top": str(self.folder / "run" / "top" / name),
            "binds": [*([] if shape.suite else [*real_mounts(), str(CHECKOUT)]), str(self.folder), str(mpi.CACHE)],
            "placed": [*placed, [str(self.folder / "munge"), "/run/munge"]],
            "other": {"lower": str(suites.root("unstable")), "top": f"{apptainer.TOP}/root"} if self.apptainer else None,
            "devices": [f"nvidia{number}" for number in range(node.gpus)],
            "interfaces": self.interfaces,
            "files": self._files(name),
            "daemons": self.scheduler.host_daemons(host, logs) if host else self.scheduler.login_daemons(logs),
            "ready": str(self._ready(name)),
        }

    def _files(self, name: str) -> dict[str, str]:
        lower = suites.root(self.shape.suite)
        by_module = any(module.gives == "apptainer" for module in self.shape.modules)
        hosts = [f"{net.address(0, number)} {host}" for host, number in self.numbers.items()]
        return {
            **self.scheduler.files(self.shape, str(self.logs)),
            **(apptainer.files(by_module) if self.apptainer else {}),
            "/etc/munge/munge.key": (self.folder / "munge.secret").read_text(),
            "/etc/hosts": "\n".join(["127.0.0.1 localhost", *hosts]) + "\n",
            "/etc/hostname": name + "\n",
            "/etc/resolv.conf": "",
            "/etc/passwd": (lower / "etc/passwd").read_text() + f"{USER}:x:{UID}:{UID}::{self.home}:/bin/bash\n",
            "/etc/group": (lower / "etc/group").read_text() + f"{USER}:x:{UID}:\n",
            "/etc/lmod/modulespath": f"{self.folder}/modules\n",
            "/etc/profile.d/zz-site.sh": modules.profile(self.shape),
            **self.shape.files,
        }

    # --- use

    def command(self, argv: list[str], host: str = LOGIN, cwd: str = "", user: str = USER, login: bool = True) -> list[str]:
        """The command line that runs `argv` on a host, from outside, as someone who has just logged in."""
        pid, start = saved(self.state).get(host, (0, ""))
        if not start or processes.started(pid) != start:
            raise Broken(f"{self.shape.name}: host {host} is not up")
        enter = ["nsenter", "--target", str(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        home = str(self.home) if user == USER else "/root"
        env = [
            "env",
            "-i",
            f"--chdir={cwd or home}",
            f"HOME={home}",
            f"USER={user}",
            f"LOGNAME={user}",
            "SHELL=/bin/bash",
            "TERM=dumb",
            "LANG=C.UTF-8",
        ]
        env.append("PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        return [*enter, *become, *env, *(["bash", "-lc", 'exec "$@"', "bash", *argv] if login else argv)]

    def run(
        self,
        argv: list[str],
        host: str = LOGIN,
        cwd: str = "",
        env: dict[str, str] | None = None,
        check: bool = True,
        seconds: float = 120,
        user: str = USER,
    ) -> subprocess.CompletedProcess:
        extra = ["env", *(f"{name}={value}" for name, value in env.items())] if env else []
        line = self.command([*extra, *argv], host, cwd, user)
        answer = subprocess.run(line, capture_output=True, text=True, timeout=seconds * LONGER, stdin=subprocess.DEVNULL)
        if check and answer.returncode:
            self.fail(
                f"{' '.join(argv)}: status {answer.returncode}\n{answer.stdout}{answer.stderr}", *([Path(cwd)] if cwd else [])
            )
        return answer

    def workdir(self, name: str, *files: Path) -> Path:
        """A fresh folder of the user's, with copies of files; hosts and tests see it at the same path."""
        path = self.home / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        for file in files:
            shutil.copy(file, path)
        self.give(path)
        return path

    def give(self, path: Path) -> None:
        """To the user: what a test wrote as root."""
        for one in (path, *path.rglob("*")):
            os.chown(one, UID, UID, follow_symlinks=False)

    def fail(self, message: str, *folders: Path) -> None:
        raise Broken(f"{message}\nlogs are in {self.keep(*folders)}")

    @contextmanager
    def explaining(self, *folders: Path) -> Iterator[None]:
        """What is asserted of a job inside: when it does not hold, the logs are kept and named."""
        try:
            yield
        except AssertionError as problem:
            raise AssertionError(f"{problem}\nlogs are in {self.keep(*folders)}") from problem

    def hosts_of(self, nodes: str) -> list[str]:
        return self.run(["scontrol", "show", "hostnames", nodes]).stdout.split()

    def keep(self, *folders: Path) -> Path:
        """Copies the daemons' logs, and a case's files, to where `down` does not reach."""
        kept = BEDS / "failed" / f"{self.shape.name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        shutil.copytree(self.logs, kept, dirs_exist_ok=True)
        for folder in folders:
            shutil.copytree(folder, kept / folder.name, dirs_exist_ok=True, ignore_dangling_symlinks=True)
        return kept


def real_mounts() -> list[str]:
    """File systems beside the root's: an overlay over the root does not see into them."""
    private = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp")
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, kind = line.split()[4], line.partition(" - ")[2].split()[0]
        if (
            kind in ("ext4", "xfs", "btrfs", "overlay", "zfs")
            and Path(place).is_dir()
            and place != "/"
            and not place.startswith(private)
        ):
            found.append(place)
    return found


def saved(state: Path) -> dict[str, tuple[int, str]]:
    """Each host's first process and when it began."""
    try:
        return {name: (pid, start) for name, (pid, start) in json.loads(state.read_text())["pids"].items()}
    except (OSError, ValueError, KeyError):
        return {}


def lives(state: Path) -> bool:
    return all(processes.started(pid) == start for pid, start in saved(state).values())
