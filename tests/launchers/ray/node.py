"""One node of a Ray cluster: its address, ports and folder, `ray start`, and killing all processes at the end."""

import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any, Callable, Dict, List, Optional, Sequence, Set

ENV = os.environ
HOST = socket.gethostname().partition(".")[0]
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
RANKS = ("SLURM_PROCID", "FLUX_TASK_RANK", "PALS_RANKID", "PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK")
LONGEST = 107 - len("/session_2026-11-21_08-06-52_370933_1234567/sockets/plasma_store")  # a socket's path has 107 characters
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, SIOCGIFADDR = 1, 36, 0x8915  # constants of Linux
Options = Dict[str, Any]


class Failed(Exception):
    """An error that is reported in one line."""

    pass


def say(text: object) -> None:
    print(f"hpcgen: {HOST}: {text}", file=sys.stderr, flush=True)


def secret(purpose: str) -> str:
    """Return a secret of this job's processes, derived from Ray's token. Ray 2.52 and newer check the token."""
    return hashlib.sha256((ENV["RAY_AUTH_TOKEN"] + purpose).encode()).hexdigest()


def find_address(interfaces: Sequence[str], peer: Optional[str]) -> str:
    """Return this node's address: that of the first interface that exists, or of the route to the peer or to its own name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for name in interfaces:
            with suppress(OSError):
                request = struct.pack("256s", name.encode()[:15])
                return socket.inet_ntoa(fcntl.ioctl(sock, SIOCGIFADDR, request)[20:24])
        if interfaces:
            say(f"no address on {' or '.join(interfaces)}: using the address of the host's name")

        with suppress(OSError):  # fails on a machine without a network
            sock.connect((peer or socket.gethostbyname(socket.gethostname()), 9))
            if sock.getsockname()[0].startswith("127."):
                sock.connect(("10.255.255.255", 9))
        return str(sock.getsockname()[0])


def port_blocks(purpose: str) -> List[int]:
    """Return blocks of 16 ports, below those that the kernel assigns. Each job gets a different order."""
    first = int(secret(purpose)[:8], 16)
    return [20000 + 16 * ((first + step) % 750) for step in range(750)]


def is_free(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind(("", port))
            return True
        except OSError:
            return False


def make_folder(local: Optional[str], rank: int) -> str:
    """Make a folder for Ray's sockets, logs and spilled objects. Its path is short enough for sockets."""
    for base in (local, ENV.get("TMPDIR"), "/tmp"):
        path = os.path.join(os.path.expandvars(base or ""), f"ray-{secret('folder')[:8]}-{rank}")
        if base and len(path) <= LONGEST:
            with suppress(OSError):
                os.mkdir(path, 0o700)
                return path
    raise Failed("cannot make a folder for Ray in /tmp")


def spawn(command: List[str], deaf: bool = True, **options: Any) -> subprocess.Popen[bytes]:
    """Start a process that dies with this one. If `deaf` is true, it ignores the signal before the time limit."""
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in WARNINGS if deaf else ():
            signal.signal(number, signal.SIG_IGN)

    return subprocess.Popen(command, start_new_session=True, preexec_fn=prepare, **options)


class Ray:
    """`ray start --block`, and all processes that it starts.

    Ray's default ports are fixed, or Ray looks for free ports long before it uses them. So they are chosen here, except the
    ports of Ray's worker processes, which the kernel assigns.
    """

    def __init__(self, config: Options, rank: int, head: Optional[str] = None) -> None:
        self.config, self.rank, self.head = config, rank, head
        self.folder = make_folder(config.get("local"), rank)
        self.log = os.path.join(self.folder, "start.log")
        self.port = next(port for port in port_blocks(f"node {rank}") if all(map(is_free, range(port, port + 16))))
        self.dashboard = self.port + 1
        self.node = find_address(config.get("interfaces", ()), head and head.partition(":")[0])
        self.address = head or f"{self.node}:{self.port}"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        role = [f"--address={self.head}"] if self.head else ["--head", f"--port={self.port}"]
        return self.spawn_ray("start", "--block", f"--node-ip-address={self.node}", *role, *self.options())

    def spawn_ray(self, *words: str) -> subprocess.Popen[bytes]:
        """Run a command of Ray, and write its output to a file."""
        with open(self.log, "w") as log:
            command = [sys.executable, "-m", "ray.scripts.scripts", *words]
            return spawn(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def options(self) -> List[str]:
        """Return this node's ports, folder, CPUs, GPUs and memory."""
        options = []
        if not self.head:
            options.append(f"--dashboard-port={self.dashboard}")
            if importlib.util.find_spec("grpc"):  # without it Ray refuses the option
                options.append(f"--ray-client-server-port={self.port + 2}")
        names = "node-manager object-manager dashboard-agent-listen dashboard-agent-grpc runtime-env-agent metrics-export"
        options += [f"--{name}-port={port}" for port, name in enumerate(names.split(), self.port + 3)]
        options += ["--min-worker-port=0", "--max-worker-port=0", f"--temp-dir={self.folder}", "--disable-usage-stats"]
        options += [f"--num-cpus={self.config['cpus']}", f"--num-gpus={self.config['gpus']}"]

        memory, store = self.config.get("memory"), self.config.get("object_store")  # MiB
        if memory and store is None:  # Ray's default share, but of the job's memory, and at most the free space
            store = min(memory * 3 // 10, shutil.disk_usage("/dev/shm").free * 9 // 10 >> 20)
        if store:
            options.append(f"--object-store-memory={store << 20}")
        if memory and memory > store:
            options.append(f"--memory={memory - store << 20}")
        return options

    def check(self) -> None:
        """Raise Failed with the last line of Ray's log if Ray has exited."""
        if self.process.poll() is None:
            return
        with open(self.log, errors="replace") as log:
            lines = [line.strip() for line in log if line.strip() and "INFO" not in line and "SUCC" not in line]
        raise Failed(f"Ray has exited: {lines[-1] if lines else 'its log is empty'}")

    def end(self, *folders: str) -> None:
        """Kill all descendants of this process, and remove the folders."""
        for _ in range(50):
            found = descendants()
            if not found:
                break
            for pid in found:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        for path in (self.folder, *folders):
            shutil.rmtree(path, ignore_errors=True)


def descendants() -> Set[int]:
    """Return the descendants of this process. It is a subreaper: processes that lose their parent become its children."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{pid}/stat") as stat:
            state, parent = stat.read().rpartition(")")[2].split()[:2]
            if state != "Z":  # not a zombie
                parents[int(pid)] = int(parent)
    found: Set[int] = set()
    children = {os.getpid()}
    while children:
        children = {pid for pid, parent in parents.items() if parent in children}
        found |= children
    return found


def stop(number: int, _: object) -> None:
    """Exit, which also ends Ray. Ignore the signal before the time limit, which is for the program."""
    if number in ENDING:
        sys.exit(128 + number)


def read_command_line(words: List[str]) -> Options:
    """Read `JSON [JSON ...] [--] PROGRAM ARGS`. "argv" in the JSON replaces PROGRAM ARGS."""
    config: Options = {"wait": 300}
    while words and words[0].startswith("{"):
        config.update(json.loads(words[0]))
        words = words[1:]
    if words and words[0] == "--":
        words = words[1:]
    config.setdefault("argv", words)
    return config


def main(begin: Callable[[Options, int], int]) -> None:
    """Set up this process, and call `begin`."""
    config = read_command_line(sys.argv[1:])
    rank = next((int(ENV[name]) for name in RANKS if ENV.get(name, "").isdigit()), None)
    for number in ENDING + WARNINGS:
        signal.signal(number, stop)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    ENV.setdefault("RAY_AUTH_MODE", "token")
    for name in config.get("unset", ()):
        ENV.pop(name, None)
    if config["nodes"] == 1:
        rank = 0
        ENV.setdefault("RAY_AUTH_TOKEN", os.urandom(32).hex())
    try:
        if rank is None:
            raise Failed(f"cannot find the rank of this process, one of {config['nodes']}: none of {', '.join(RANKS)} is set")
        if config["nodes"] > 1 and not (ENV.get("RAY_AUTH_TOKEN") and ENV.get("HPCGEN_HEAD")):
            raise Failed("HPCGEN_HEAD and RAY_AUTH_TOKEN are not set: the launcher did not pass on the script's variables")
        sys.exit(begin(config, rank))
    except Failed as problem:
        say(problem)
        sys.exit(1)