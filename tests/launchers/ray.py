# hpcgen 0.1.0: node.py, cluster.py of src/hpcgen/ray, as they are written, and the call that starts them.

# --- node.py

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
    asked = {"wait": 300, "argv": sys.argv[2:], **json.loads(sys.argv[1])}
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

# --- cluster.py

"""Rank 0 runs Ray's head and, when all nodes have joined, the program; the other ranks join, and end when it does."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress


COUNT = """import sys, time, ray
want = int(sys.argv[2])
while True:
    try:
        ray.init(sys.argv[1], logging_level="ERROR", log_to_driver=False)
        break
    except Exception:
        time.sleep(0.2)
while True:
    here = [node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]]
    print(len(here), "of", want, "nodes have joined:", *sorted(here), flush=True)
    if len(here) >= want:
        break
    time.sleep(0.2)
total = ray.cluster_resources()
print(f"Ray {ray.__version__}: {want} nodes, {total.get('CPU', 0):g} CPUs, {total.get('GPU', 0):g} GPUs")"""


class Door:
    """Where the other nodes ask for Ray's address, and learn by the connection's end that the job is done."""

    def __init__(self, others):
        self.others, self.answer, self.heard, self.told = others, None, {}, set()
        for base in blocks("door")[:4]:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.listener.bind(("", base + 15))
                self.listener.listen(1024)
                return
            except OSError:
                self.listener.close()
        raise Failed("the ports are taken at which the other nodes look for this one")

    def tick(self):
        """Hears who asks, and answers once there is an address. Raises Failed with what a node has failed at."""
        for sock in select.select([self.listener, *self.heard], [], [], 0.1)[0]:
            if sock is self.listener:
                self.heard[sock.accept()[0]] = b""
                continue
            data = b""
            with suppress(OSError):
                data = sock.recv(4096)
            self.heard[sock] += data
            word, _, rest = self.heard[sock].partition(b"\n")
            if not data or not secret("node").startswith(word.decode(errors="replace")):
                del self.heard[sock]
                sock.close()
            elif rest.endswith(b"\n"):
                self.heard[sock] = word + b"\n"
                raise Failed(rest.decode(errors="replace").strip())
        for sock, text in self.heard.items():
            if self.answer and b"\n" in text and sock not in self.told:
                sock.sendall(f"{secret('head')} {self.answer}\n".encode())
                self.told.add(sock)

    def close(self):
        """Those who come late to a head that has failed are to hear of it too."""
        until = time.monotonic() + 20
        while not self.answer and time.monotonic() < until:
            if sum(b"\n" in text for text in self.heard.values()) == self.others:
                break
            with suppress(Failed):
                self.tick()
        for sock in (self.listener, *self.heard):
            sock.close()


def knock(seconds):
    """The connection to the head's door, Ray's address, and the head's folder."""
    host, until = ENV["HPCGEN_HEAD"], time.monotonic() + seconds
    while time.monotonic() < until:
        for base in blocks("door")[:4]:
            try:
                sock = socket.create_connection((host, base + 15), 5)
                sock.settimeout(seconds)
                sock.sendall(f"{secret('node')}\n".encode())
                word, *found = sock.makefile().readline().strip().split(" ", 2)
            except (OSError, ValueError):
                continue
            if word == secret("head"):
                sock.settimeout(None)
                return (sock, *found)
            if not word:
                sys.exit(1)  # the head has failed, and says why
            sock.close()
        time.sleep(0.2)
    raise Failed(f"no head of Ray on {host} within {seconds} s")


def join(asked, rank, kind=Ray):
    sock, head, its_folder = knock(asked["wait"])
    ray = None
    try:
        ray = kind(asked, rank, head)
        while not select.select([sock], [], [], 0.5)[0]:
            ray.check()
    except Failed as problem:  # the head says it for us, and then goes, or goes on with the others
        sock.sendall(f"{HOST}: {problem}\n".encode())
        sock.recv(1)
    finally:
        if ray:
            ray.end(its_folder)  # older versions use that path on all nodes
    return 0


def lead(asked):
    door, ray = Door(asked["nodes"] - 1), None
    try:
        ray = Ray(asked, 0)
        ENV["RAY_ADDRESS"] = ray.address
        gather(asked, ray, door)
        words = asked["argv"]
        if words[0] == "-c" or words[0].endswith(".py"):
            words = [sys.executable, *words]
        try:
            program = spawn(words, deaf=False)
        except OSError as problem:
            raise Failed(f"{words[0]}: {problem.strerror}") from None
        for number in SIGNALS:
            signal.signal(number, lambda number, _: program.send_signal(number))
        while program.poll() is None:
            ray.check()
            try:
                door.tick()
            except Failed as problem:
                say(f"goes on without a node: {problem}")
        return program.returncode if program.returncode >= 0 else 128 - program.returncode
    finally:
        door.close()
        if ray:
            ray.end()


def gather(asked, ray, door):
    """Waits until all nodes have joined."""
    until, (host, _, port), count = time.monotonic() + asked["wait"], ray.address.partition(":"), None
    with open(os.path.join(ray.folder, "nodes"), "w+") as seen:
        while (count is None or count.poll() is None) and time.monotonic() < until:
            ray.check()
            door.tick()
            with socket.socket() as sock:
                if count is None and sock.connect_ex((host, int(port))) == 0:
                    line = [sys.executable, "-c", COUNT, ray.address, str(asked["nodes"])]
                    count = spawn(line, stdout=seen, stderr=subprocess.DEVNULL)
                    door.answer = f"{ray.address} {ray.folder}"
        seen.seek(0)
        said = (seen.read().splitlines() or ["Ray's head does not answer"])[-1]
    if count is None or count.poll() != 0:
        raise Failed(f"{said} after {asked['wait']} s")
    say(f"{said} at {ray.address}, dashboard http://127.0.0.1:{ray.dashboard}")


def begin(asked, rank):
    return join(asked, rank) if rank else lead(asked)

main(begin)