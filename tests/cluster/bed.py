"""Brings a miniature up, enters it, takes it down."""
from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Iterator

from . import apptainer, modules, mpi, net, slurm, suites
from .shape import Host, Node, Shape

BEDS = Path(os.environ.get("HPCGEN_TEST_BEDS", "/var/tmp/hpcgen-cluster"))
HERE = Path(__file__).resolve()
CHECKOUT = HERE.parents[2]
USER, UID = "researcher", 61234


class Broken(Exception):
    """The miniature itself failed; the message names the folder of logs."""


class Miniature:
    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.folder = BEDS / shape.name
        self.logs = self.folder / "logs"
        self.home = self.folder / "home"

    # --- up and down

    def up(self) -> Miniature:
        with self.locked():
            if self.healthy():
                return self
            self._down()
            try:
                self._up()
            except BaseException:
                self._stop()
                raise
        return self

    def down(self) -> None:
        with self.locked():
            self._down()

    def _up(self) -> None:
        self._folders()
        names = [slurm.LOGIN, *(host.name for host in self.shape.hosts)]
        specs = [self._login_spec()] + [self._host_spec(host) for host in self.shape.hosts]
        pids = {names[0]: self._boot(specs[0], inside=None)}
        self._save(pids)
        net.login(pids[names[0]], self.interfaces)
        for number, (name, spec) in enumerate(zip(names[1:], specs[1:]), start=11):
            pids[name] = self._boot(spec, inside=pids[names[0]])
            net.host(pids[names[0]], pids[name], number, self.interfaces)
        self._save(pids)
        for name in names:
            self._await(name, pids[name])
        slurm.wait_until_idle(self)

    def _folders(self) -> None:
        for name in ("logs", "home", "modules", "run", "disk"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        modules.write(self.shape, self.folder / "modules")
        for path in self.shape.folders:
            (self.folder / "disk" / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for path in [self.home, *(self.folder / "disk" / one.lstrip("/") for one in self.shape.folders)]:
            os.chown(path, UID, UID)

    def _boot(self, spec: dict, inside: int | None) -> int:
        """Process 1 of a new host. Hosts live in the login host's process namespace, and so end with it."""
        spec_file = self.folder / "run" / f"{spec['name']}.json"
        spec_file.write_text(json.dumps(spec))
        Path(spec["top"]).mkdir(parents=True, exist_ok=True)
        package = __package__ or "cluster"
        enter = ["nsenter", "--pid", "--target", str(inside), "--"] if inside else []
        new = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--"]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE.parents[len(package.split("."))]), "HPCGEN_MINIATURE": self.shape.name}
        with open(self.logs / f"host-{spec['name']}.log", "a") as log:
            outer = subprocess.Popen(
                [*enter, *new, sys.executable, "-m", f"{package}.host", str(spec_file)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd="/", start_new_session=True,
            )
        return _innermost(outer.pid, "host", steps=2 if inside else 1)

    def _await(self, name: str, pid: int) -> None:
        ready = self.folder / "run" / f"{name}.ready"
        deadline = time.monotonic() + 20
        while not ready.exists():
            if not alive(pid) or time.monotonic() > deadline:
                self.fail(f"host {name} does not start")
            time.sleep(0.02)

    def _down(self) -> None:
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop(self) -> None:
        """Process 1 of the login host takes every other process, mount and interface with it."""
        for pid, start in self._saved().values():
            if _started(pid) == start:
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while any(_started(pid) == start for pid, start in self._saved().values()):
            if time.monotonic() > deadline:
                self.fail("the miniature's processes do not end")
            time.sleep(0.02)
        self.state.unlink(missing_ok=True)

    @property
    def apptainer(self) -> bool:
        """In the unstable suite itself it is a program like any other."""
        return not self.shape.suite and suites.ready("unstable")

    # --- what is written down

    @property
    def interfaces(self) -> list[str]:
        return ["eth0", self.shape.interface] if self.shape.interface else ["eth0"]

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    def _save(self, pids: dict[str, int]) -> None:
        record = {"digest": self.shape.digest(), "pids": {name: [pid, _started(pid)] for name, pid in pids.items()}}
        self.state.write_text(json.dumps(record, indent=1) + "\n")

    def _saved(self) -> dict[str, tuple[int, str]]:
        try:
            return {name: (pid, start) for name, (pid, start) in json.loads(self.state.read_text())["pids"].items()}
        except (OSError, ValueError, KeyError):
            return {}

    def healthy(self) -> bool:
        saved = self._saved()
        if set(saved) != {slurm.LOGIN, *(host.name for host in self.shape.hosts)}:
            return False
        if not all(_started(pid) == start for pid, start in saved.values()):
            return False
        if json.loads(self.state.read_text())["digest"] != self.shape.digest():
            return False
        answer = self.run(["scontrol", "ping"], check=False)
        return "is UP" in answer.stdout

    @contextmanager
    def locked(self) -> Iterator[None]:
        BEDS.mkdir(parents=True, exist_ok=True)
        with open(BEDS / f"{self.shape.name}.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # --- hosts

    def _login_spec(self) -> dict:
        spec = self._spec(slurm.LOGIN, Node(sockets=1, cores=os.cpu_count() or 1))
        spec["daemons"] = slurm.login_daemons(str(self.logs))
        spec["placed"].append([str(self._munge()), "/run/munge"])
        return spec

    def _host_spec(self, host: Host) -> dict:
        spec = self._spec(host.name, host.node)
        spec["devices"] = [f"nvidia{number}" for number in range(host.node.gpus)]
        spec["daemons"] = slurm.host_daemons(host, str(self.logs))
        spec["placed"].append([str(self._munge()), "/run/munge"])
        return spec

    def _munge(self) -> Path:
        folder = self.folder / "munge"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        return folder

    def _spec(self, name: str, node: Node) -> dict:
        lower = suites.root(self.shape.suite)
        binds = [str(self.folder), str(mpi.CACHE)] + ([] if self.shape.suite else [str(CHECKOUT)])
        placed = [[str(self.folder / "disk" / path.lstrip("/")), path] for path in self.shape.folders]
        placed += suites.libraries(self.shape.suite)
        if self.shape.pmi_library:
            placed.append([str(suites.pmi_library(self.shape.suite)), self.shape.pmi_library])
        return {
            "name": name,
            "node": asdict(node),
            "lower": str(lower),
            "top": str(self.folder / "run" / "top" / name),
            "binds": binds,
            "other": {"lower": str(suites.root("unstable")), "top": f"{apptainer.TOP}/root"} if self.apptainer else None,
            "placed": placed,
            "devices": [],
            "interfaces": self.interfaces,
            "files": self._files(name, lower),
            "ready": str(self.folder / "run" / f"{name}.ready"),
        }

    def _files(self, name: str, lower: Path) -> dict[str, str]:
        hosts = [slurm.LOGIN, *(host.name for host in self.shape.hosts)]
        numbers = [1, *range(11, 11 + len(self.shape.hosts))]
        key = self.folder / "munge.secret"
        if not key.exists():
            key.write_text(secrets.token_hex(64))
            key.chmod(0o600)
        return {
            **slurm.files(self.shape, str(self.logs)),
            **(apptainer.files(any(module.gives == "apptainer" for module in self.shape.modules)) if self.apptainer else {}),
            "/etc/munge/munge.key": key.read_text(),
            "/etc/hosts": "127.0.0.1 localhost\n" + "".join(f"{net.address(0, n)} {h}\n" for n, h in zip(numbers, hosts)),
            "/etc/hostname": name + "\n",
            "/etc/resolv.conf": "",
            "/etc/passwd": (lower / "etc/passwd").read_text() + f"{USER}:x:{UID}:{UID}::{self.home}:/bin/bash\n",
            "/etc/group": (lower / "etc/group").read_text() + f"{USER}:x:{UID}:\n",
            "/etc/lmod/modulespath": f"{self.folder}/modules\n",
            "/etc/profile.d/zz-site.sh": self._profile(),
        }

    def _profile(self) -> str:
        lines = [f"export {name}={value!r}" for name, value in self.shape.env.items()]
        if not self.shape.module_in_batch:
            lines += ["unset BASH_ENV", "export -nf module ml"]
        return "\n".join(lines) + "\n"

    # --- use

    def command(self, argv: list[str], host: str = slurm.LOGIN, cwd: str = "", user: str = USER, login: bool = False) -> list[str]:
        """The command line that runs `argv` on a host, from outside."""
        pid = self._saved()[host][0]
        enter = ["nsenter", "--target", str(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        home = str(self.home) if user == USER else "/root"
        env = ["env", "-i", f"--chdir={cwd or home}", f"HOME={home}", f"USER={user}", f"LOGNAME={user}", "SHELL=/bin/bash", "TERM=dumb", "LANG=C.UTF-8"]
        env.append("PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        return [*enter, *become, *env, *(["bash", "-lc", 'exec "$@"', "bash", *argv] if login else argv)]

    def run(self, argv: list[str], host: str = slurm.LOGIN, cwd: str = "", env: dict[str, str] | None = None, check: bool = True, seconds: float = 120, user: str = USER) -> subprocess.CompletedProcess:
        """Run a command as a user who has just logged in."""
        extra = ["env", *(f"{name}={value}" for name, value in (env or {}).items())] if env else []
        line = self.command([*extra, *argv], host, cwd, user, login=True)
        answer = subprocess.run(line, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL)
        if check and answer.returncode:
            self.fail(f"{' '.join(argv)}: status {answer.returncode}\n{answer.stdout}{answer.stderr}")
        return answer

    def workdir(self, name: str) -> Path:
        """An empty folder that hosts and tests see at the same path."""
        path = self.home / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        os.chown(path, UID, UID)
        return path

    def give(self, path: Path) -> None:
        """To the user: what a test wrote as root."""
        for one in [path, *path.rglob("*")]:
            os.chown(one, UID, UID, follow_symlinks=False)

    def fail(self, message: str) -> None:
        raise Broken(f"{message}\nlogs are in {self.keep()}")

    def keep(self, *more: Path) -> Path:
        """Copies logs (and a case's files) to where `down` does not reach."""
        kept = BEDS / "failed" / f"{self.shape.name}-{time.strftime('%H%M%S')}-{secrets.token_hex(2)}"
        shutil.copytree(self.logs, kept, dirs_exist_ok=True)
        for path in more:
            shutil.copytree(path, kept / path.name, dirs_exist_ok=True, ignore_dangling_symlinks=True)
        return kept


def _started(pid: int) -> str:
    """When a process began, so that another one with its old number is not taken for it; empty if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def alive(pid: int) -> bool:
    return bool(_started(pid))


def _innermost(pid: int, name: str, steps: int) -> int:
    """nsenter and unshare fork before they start the host's first process: follow the children down to it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            child = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            raise Broken(f"{name} does not start") from None
        if child:
            pid, steps = int(child[0]), steps - 1
        if steps == 0:
            return pid
        time.sleep(0.01)
    raise Broken(f"{name} does not start")
