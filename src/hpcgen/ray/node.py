"""One node of a Ray cluster: its address, ports and folder, `ray start`, and the end of all that it started."""

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

ENV = os.environ
HOST = socket.gethostname().partition(".")[0]
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
RANKS = ("SLURM_PROCID", "FLUX_TASK_RANK", "PALS_RANKID", "PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK")
# A socket's path may have 107 characters.
LONGEST = 107 - len("/session_2026-11-21_08-06-52_370933_1234567/sockets/plasma_store")


Failed = type("Failed", (Exception,), {})  # with what the person is told, in one line


def say(text):
    print(f"hpcgen: {HOST}: {text}", file=sys.stderr, flush=True)


def secret(purpose):
    """What only this job's processes can say. The root of it is Ray's token, which newer versions ask of everyone."""
    return hashlib.sha256((ENV["RAY_AUTH_TOKEN"] + purpose).encode()).hexdigest()


def address(interfaces, peer):
    """This node's address on the first of the interfaces that it has; else its name's, or that by which it reaches the peer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for name in interfaces:
            with suppress(OSError):
                asked = struct.pack("256s", name.encode()[:15])
                return socket.inet_ntoa(fcntl.ioctl(sock, 0x8915, asked)[20:24])  # SIOCGIFADDR
        if interfaces:
            say(f"no address on {' or '.join(interfaces)}: taking that of the host's name")
        with suppress(OSError):  # of a machine without a network
            sock.connect((peer or socket.gethostbyname(socket.gethostname()), 9))
            if sock.getsockname()[0].startswith("127."):
                sock.connect(("10.255.255.255", 9))
        return sock.getsockname()[0]


def blocks(purpose):
    """Blocks of sixteen ports below those that the kernel gives out, in an order that differs from job to job."""
    first = int(secret(purpose)[:8], 16)
    return [20000 + 16 * ((first + step) % 750) for step in range(750)]


def free(port):
    with socket.socket() as sock:
        try:
            sock.bind(("", port))
            return True
        except OSError:
            return False


def folder(local, rank):
    """For Ray's sockets, logs and spilled objects: local to the node, with a path that is short enough for a socket's."""
    for base in (local, ENV.get("TMPDIR"), "/tmp"):
        path = os.path.join(os.path.expandvars(base or ""), f"ray-{secret('folder')[:8]}-{rank}")
        if base and len(path) <= LONGEST:
            with suppress(OSError):
                os.mkdir(path, 0o700)
                return path
    raise Failed("no folder for Ray: /tmp cannot be written")


def spawn(line, deaf=True, **more):
    """A process in a session of its own that does not outlive this one; `deaf` to a warning, which is for the program."""
    library = ctypes.CDLL(None)

    def first():
        library.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        for number in SIGNALS[3:] if deaf else ():
            signal.signal(number, signal.SIG_IGN)

    return subprocess.Popen(line, start_new_session=True, preexec_fn=first, **more)


class Ray:
    """`ray start --block`, and all that it starts.

    Of its own Ray takes fixed ports, or looks for free ones long before it uses them: all but those of its worker
    processes, which the kernel gives them, are chosen here.
    """

    def __init__(self, asked, rank, head=None):
        self.folder = folder(asked.get("local"), rank)
        base = next(base for base in blocks(f"node {rank}") if all(map(free, range(base, base + 16))))
        node = address(asked.get("interfaces", ()), head and head.partition(":")[0])
        self.address, self.dashboard = head or f"{node}:{base}", base + 1
        line = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", f"--node-ip-address={node}"]
        line += [f"--address={head}"] if head else ["--head", f"--port={base}", f"--dashboard-port={base + 1}"]
        if not head and importlib.util.find_spec("grpc"):  # without it Ray refuses the option
            line.append(f"--ray-client-server-port={base + 2}")
        names = "node-manager object-manager dashboard-agent-listen dashboard-agent-grpc runtime-env-agent metrics-export"
        line += [f"--{name}-port={base + number}" for number, name in enumerate(names.split(), 3)]
        line += ["--min-worker-port=0", "--max-worker-port=0", f"--temp-dir={self.folder}", "--disable-usage-stats"]
        line += [f"--num-{kind}={asked[kind]}" for kind in ("cpus", "gpus")]
        whole, store = asked.get("memory"), asked.get("object_store")
        if whole and store is None:  # of the job's memory the share that Ray would take of the node's, if there is room
            store = min(whole * 3 // 10, shutil.disk_usage("/dev/shm").free * 9 // 10 >> 20)
        sizes = {"object-store-memory": store, "memory": whole and whole - store}
        line += [f"--{name}={size << 20}" for name, size in sizes.items() if size]
        self.log = os.path.join(self.folder, "start.log")
        self.start(line)

    def start(self, line):
        with open(self.log, "w") as log:
            self.process = spawn(line, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def check(self):
        if self.process.poll() is not None:
            with open(self.log, errors="replace") as log:
                said = [line.strip() for line in log if line.strip() and "INFO" not in line and "SUCC" not in line]
            raise Failed(f"Ray has ended: {said[-1] if said else 'it said nothing'}")

    def end(self, *more):
        """Whatever stems from this process goes, also what lost its parent: that comes to us, in the place of process 1."""
        for _ in range(50):
            left = offspring()
            for pid in left:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            if not left:
                break
            time.sleep(0.02)
        for path in (self.folder, *more):
            shutil.rmtree(path, ignore_errors=True)


def offspring():
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{pid}/stat") as stat:
            state, parent = stat.read().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(pid)] = int(parent)
    found, more = set(), {os.getpid()}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more}
        found |= more
    return found


def stop(number, _):
    """Signals for the program are nothing to the nodes on which it does not run."""
    if number not in SIGNALS[3:]:
        sys.exit(128 + number)


def main(begin):
    asked, argv = {"wait": 300}, sys.argv[1:]
    while argv and argv[0].startswith("{"):
        asked.update(json.loads(argv.pop(0)))
    asked.setdefault("argv", argv[argv[:1] == ["--"] :])
    rank = next((int(ENV[name]) for name in RANKS if ENV.get(name, "").isdigit()), None)
    for number in SIGNALS:
        signal.signal(number, stop)
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    ENV.setdefault("RAY_AUTH_MODE", "token")
    for name in asked.get("unset", ()):
        ENV.pop(name, None)
    if asked["nodes"] == 1:
        rank = 0
        ENV.setdefault("RAY_AUTH_TOKEN", os.urandom(32).hex())
    try:
        if rank is None:
            raise Failed(f"which of {asked['nodes']} processes is this? No {' or '.join(RANKS)}")
        if asked["nodes"] > 1 and not (ENV.get("RAY_AUTH_TOKEN") and ENV.get("HPCGEN_HEAD")):
            raise Failed("HPCGEN_HEAD and RAY_AUTH_TOKEN, which the script exports, have not come here")
        sys.exit(begin(asked, rank))
    except Failed as problem:
        say(problem)
        sys.exit(1)
