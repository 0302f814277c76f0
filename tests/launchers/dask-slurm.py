# hpcgen 0.1.0: program.py, ranks.py, meeting.py, slurm.py from src/hpcgen/dask, and the call that starts them.

# --- program.py

"""Runs the user's program, and starts Dask when the program needs it."""

import inspect
import json
import os
import socket
import sys
import time
import types
import weakref
from importlib.metadata import version
from typing import Any, Callable, Dict, List, NamedTuple, NoReturn, Tuple

ENV = os.environ
HOST = socket.gethostname()
PMIX = "PMIX_RANK" in ENV  # the launcher uses PMIx
Options = Dict[str, Any]


class Host(NamedTuple):
    """The settings of this host, and its faults."""

    options: Options
    addresses: List[str]
    versions: str  # must be equal on all hosts
    faults: List[str]


def say(text: str) -> None:
    print("hpcgen:", text, file=sys.stderr)


def die(text: str) -> NoReturn:
    """Exit with an error that all ranks have. Rank 0 prints it. The others wait, because the first rank to exit ends all."""
    if ENV.get("PMIX_RANK", ENV.get("PMI_RANK", ENV.get("SLURM_PROCID", "0"))) == "0":
        say(text)
    else:
        time.sleep(2)
    os._exit(1)


def check_host(config: Options, argv: List[str]) -> Host:
    """Check the packages, the program and the network interface."""
    options = {}
    for name, value in config.get("dask", {}).items():
        options[name] = os.path.expandvars(value) if isinstance(value, str) else value
    versions, faults = [f"Python {sys.version[:4]}"], []
    for name in ["dask", "distributed", "dask_mpi", *config.get("needs", [])]:
        try:
            versions.append(f"{name} {version(name)}")
        except ImportError:
            faults.append(f"no {name} in {sys.executable}")
    if argv and not argv[0].startswith("-") and not os.path.isfile(argv[0]):
        faults.append(f"no program {argv[0]} in {os.getcwd()}")

    addresses = {}
    if not faults:
        import psutil  # a dependency of Dask

        for name, found in psutil.net_if_addrs().items():
            for one in found:
                if one.family == socket.AF_INET:
                    addresses[name] = one.address
    wanted = config.get("interfaces", [])
    present = [name for name in wanted if name in addresses]
    if present:
        options["interface"] = present[0]
        addresses = {present[0]: addresses[present[0]]}
    elif wanted and addresses:
        faults.append(f"no interface {' or '.join(wanted)}: use --interface {' or '.join(addresses)}")

    loopback_last = sorted(addresses.values(), key=lambda address: address == "127.0.0.1")
    return Host(options, loopback_last, ", ".join(versions), faults)


def intercept(start: Callable[[Any, Options], None]) -> Any:
    """Call `start` when the program opens its first Client() or calls initialize(). Return the program's clients.

    The arguments of `start` are dask_mpi's initialize() and the program's arguments for it.
    """
    import dask_mpi
    import distributed

    real_initialize, real_init = dask_mpi.initialize, distributed.Client.__init__
    clients: Any = weakref.WeakSet()
    started = False

    def start_once(arguments: Options) -> None:
        nonlocal started
        if not started:
            started = True
            start(real_initialize, arguments)

    def initialize(*args: Any, **kwargs: Any) -> bool:
        arguments = inspect.signature(real_initialize).bind(*args, **kwargs).arguments
        start_once({name: value for name, value in arguments.items() if name not in ("comm", "exit")})
        return True

    def init(client: Any, address: Any = None, *args: Any, **kwargs: Any) -> None:
        if address is None:
            start_once({})
        real_init(client, address, *args, **kwargs)
        clients.add(client)

    dask_mpi.initialize, distributed.Client.__init__ = initialize, init
    return clients


def announce(config: Options, address: str, services: Options) -> None:
    """Print the addresses of the scheduler and, if bokeh is installed, of the dashboard."""
    say(f"scheduler {address}")
    port = getattr(services.get("dashboard"), "port", None)
    if port:
        login = config.get("login")
        tunnel = f", to open it on localhost: ssh -N -L {port}:{HOST}:{port} {login}" if login else ""
        say(f"dashboard http://{HOST}:{port}/status{tunnel}")


def add_folder(argv: List[str]) -> None:
    """Let the program import files in its folder. Done after our imports: the program's name may be dask_mpi.py."""
    sys.path.insert(0, "" if argv[0] == "-c" else os.path.dirname(os.path.realpath(argv[0])))


def run(argv: List[str]) -> int:
    """Run `PROGRAM ARGS` or `-c CODE ARGS` like Python, and return the exit status."""
    add_folder(argv)
    try:
        execute(argv)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 255
        print(end.code, file=sys.stderr)
    except BaseException as problem:
        trace = problem.__traceback__
        while trace and trace.tb_frame.f_globals is globals():
            trace = trace.tb_next  # omits our frames
        sys.excepthook(type(problem), problem.with_traceback(trace), trace)
    else:
        return 0
    return 1


def execute(argv: List[str]) -> None:
    """Execute the program in a new module `__main__`."""
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv = argv
    if argv[0] == "-c":
        sys.argv = ["-c", *argv[2:]]
        code = compile(argv[1], "<string>", "exec")
    else:
        path = module.__file__ = os.path.join(os.getcwd(), argv[0])
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec")
    exec(code, module.__dict__)


def read_command_line(words: List[str]) -> Tuple[Options, List[str]]:
    """Read `[JSON ...] [--] PROGRAM ARGS`. "argv" in the JSON replaces PROGRAM ARGS."""
    config: Options = {}
    while words and words[0].startswith("{"):
        config.update(json.loads(words[0]))
        words = words[1:]
    if words[:1] == ["--"]:
        words = words[1:]
    return config, config.get("argv", words)


def main(begin: Callable[[Options, List[str]], None]) -> None:
    """Set up this process, and call `begin`. Libraries use OMP_NUM_THREADS threads, and Dask logs only warnings."""
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]  # files there must not hide the modules that we import
    config, argv = read_command_line(sys.argv[1:])

    for name in ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        ENV.setdefault(name, ENV.get("OMP_NUM_THREADS", "1"))
    ENV.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")
    ENV.update(config.get("env", {}))

    if not argv:
        die("PROGRAM is missing")
    begin(config, argv)

# --- ranks.py

"""The ranks: 0 is Dask's scheduler, 1 runs the program, the others are workers.

Each rank has a link to rank 0, so rank 0 notices immediately when a rank dies.
"""

import atexit
import ctypes
import json
import logging
import os
import queue
import secrets
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Callable, Dict, List, Tuple


LEAVING = threading.Lock()
Joined = Tuple[int, int, Callable[[str], str]]  # rank, number of ranks, and a function that sends rank 0's text to all ranks


def serve(config: Options, argv: List[str], joined: Joined) -> None:
    """Connect this rank to rank 0, and run its part of the job."""
    rank, size, share = joined
    host = check_host(config, argv if rank == 1 else [])
    if rank != 1:  # the signal before the time limit is for the program
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)

    meeting = ""
    if rank == 0:
        server, token = socket.create_server(("", 0), backlog=size), secrets.token_hex()
        threading.Thread(target=Hub(server, size, token).run, daemon=True).start()
        meeting = json.dumps([host.addresses or [HOST], server.getsockname()[1], token])
    link = connect(*json.loads(share(meeting)))
    Rank(config, host, rank, size, link).run(argv)


def connect(addresses: List[str], port: int, token: str) -> Connection:
    for address in addresses * 5:
        with suppress(OSError):
            sock = socket.create_connection((address, port), 3)
            sock.settimeout(None)
            link = Connection(sock.detach())
            link.send_bytes(token.encode())
            return link
    time.sleep(30)  # rank 0 reports which ranks are missing
    os._exit(1)


class Hub:
    """A thread of rank 0 that forwards messages to all ranks."""

    def __init__(self, server: socket.socket, size: int, token: str) -> None:
        self.server, self.size, self.token, self.ending = server, size, token, False
        self.links: Dict[Any, int] = {}  # the rank of each link, or -1 before "hello"
        self.hosts: Dict[int, Any] = {}  # by rank: name, versions, faults

    def run(self) -> None:
        deadline = time.time() + 30
        ready: Any
        while True:
            for ready in wait([self.server, *self.links], 1):
                try:
                    if ready is self.server:
                        self.accept()
                    else:
                        self.receive(ready)
                except (EOFError, OSError):
                    self.lose(self.links.pop(ready, -1))
            if len(self.hosts) < self.size and time.time() > deadline and not self.ending:
                self.stop([f"ranks {set(range(self.size)) - set(self.hosts)} cannot connect to {HOST}"])

    def accept(self) -> None:
        """Accept only links that send the token, because messages are pickles and a pickle can run any code."""
        link = Connection(self.server.accept()[0].detach())
        if link.poll(5) and link.recv_bytes(64) == self.token.encode():
            self.links[link] = -1

    def receive(self, link: Connection) -> None:
        word, value = link.recv()
        if word != "hello":
            self.tell(word, value)
            return
        rank, host = value
        self.links[link], self.hosts[rank] = rank, host
        if len(self.hosts) == self.size:
            self.compare()

    def compare(self) -> None:
        """Start all ranks, or stop them if a host has a fault or its versions differ from those of rank 0."""
        expected = self.hosts[0][1]
        faults: Dict[str, str] = {}  # the first host with each fault
        for _, (name, versions, found) in sorted(self.hosts.items()):
            for fault in found:
                faults.setdefault(fault, name)
            if versions != expected:
                faults.setdefault(f"{versions}, but {expected} on {HOST}: use the same Python on all hosts", name)
        if faults:
            self.stop([f"{name}: {fault}" for fault, name in faults.items()])
        else:
            self.tell("go", [self.hosts[rank][0] for rank in range(self.size)])

    def lose(self, rank: int) -> None:
        """Continue without a worker if there are others. Otherwise stop all ranks."""
        if rank < 0 or self.ending:
            return
        died = f"rank {rank} on {self.hosts[rank][0]}, {'a worker' if rank > 1 else 'which ran the program'}, has died"
        if rank > 1 and max(self.links.values()) > 1:
            say(f"{died}: the job continues")
        else:
            self.stop([f"{died}: the job ends"])

    def stop(self, faults: List[str]) -> None:
        for fault in faults:
            say(fault)
        self.tell("stop", None)

    def tell(self, word: str, value: Any) -> None:
        """Send a message to all ranks. The last message tells them whether all ranks are alive."""
        if word in ("end", "stop"):
            self.ending, value = True, len(self.links) == self.size
        for link in sorted(self.links, key=lambda link: -self.links[link]):  # rank 0 last, because it may exit immediately
            with suppress(OSError):
                link.send((word, value))


class Rank:
    """A rank. dask_mpi uses it as its MPI communicator."""

    def __init__(self, config: Options, host: Host, rank: int, size: int, link: Connection) -> None:
        self.config, self.host, self.rank, self.size, self.link = config, host, rank, size, link
        self.messages: queue.Queue[Any] = queue.Queue()
        self.sharing, self.ending, self.status = 1, False, 1

    def run(self, argv: List[str]) -> None:
        """Wait until all ranks are connected, and run the program, or Dask's scheduler or worker."""
        self.link.send(("hello", (self.rank, (HOST, self.host.versions, self.host.faults))))
        threading.Thread(target=self.listen, daemon=True).start()
        self.sharing = self.wait_for("go").count(HOST)
        if self.rank == 1:
            atexit.register(self.finish)
            intercept(self.start)
            self.status = run(argv)
            return
        from dask_mpi import initialize

        add_folder(argv)
        self.play(initialize, self.wait_for("start"))
        leave(0, self.wait_for("end"))

    def listen(self) -> None:
        """Receive messages, in a thread, until rank 0 exits."""
        while True:
            try:
                word, value = self.link.recv()
            except (EOFError, OSError):
                if self.ending:
                    return
                if self.rank == 1:
                    say("rank 0, the scheduler, has died: the job ends")
                os._exit(1)
            if word == "stop":
                leave(1, value)
            if word == "end":
                self.ending = True
                close_servers(self.status if self.rank == 1 else 0, value)
            self.messages.put((word, value))

    def wait_for(self, wanted: str) -> Any:
        """Wait for a message of this type, and return its value."""
        while True:
            word, value = self.messages.get()
            if word == wanted:
                return value
            if word == "end":
                leave(0, value)

    def start(self, initialize: Any, arguments: Options) -> None:
        """Start Dask on all ranks, with the program's arguments."""
        self.link.send(("start", arguments))
        self.play(initialize, arguments)

    def play(self, initialize: Any, arguments: Options) -> None:
        """Start this rank as scheduler, client or worker. The program's arguments override our options."""
        options = {"dashboard_address": ":0", **self.host.options, **arguments}
        if "memory_limit" not in options:
            from distributed.system import MEMORY_LIMIT

            options["memory_limit"] = int(MEMORY_LIMIT * 0.95 / self.sharing)  # this rank's share of the host's memory
        initialize(**options, comm=self, exit=False)

    def Get_rank(self) -> int:
        return self.rank

    def Get_size(self) -> int:
        return self.size

    def Barrier(self) -> None:
        pass  # all ranks are already connected

    def bcast(self, address: Any, root: int = 0) -> Any:
        """Send the scheduler's address to all ranks."""
        if self.rank == root:
            for scheduler in servers():
                announce(self.config, address, scheduler.services)
            self.link.send(("address", address))
        return self.wait_for("address")

    def finish(self) -> None:
        """End all ranks. Runs after all atexit functions of the program, because it was registered first."""
        with open(ENV.get("HPCGEN_STATUS") or os.devnull, "w") as file:
            print(self.status, file=file)
        self.link.send(("end", None))
        leave(self.status, self.wait_for("end"))


def servers() -> List[Any]:
    """Return Dask's servers in this process. distributed (2022.4 to 2026.8) has no public list of them.

    If its private list is missing, leave() ends the servers.
    """
    from distributed import Nanny, Scheduler, Worker

    return [server for kind in (Nanny, Worker, Scheduler) for server in getattr(kind, "_instances", ())]


def close_servers(status: int, alive: bool) -> None:
    """Close Dask's servers. Tasks that still run are stopped after two seconds."""
    threading.Timer(2, leave, (status, alive)).start()
    found = servers()
    logging.disable()
    for server in found:
        server.loop.add_callback(server.close)


def leave(status: int, alive: bool) -> None:
    """Exit from this process, once. `alive` is true if no rank has died.

    Otherwise MPI_Finalize is not called, because it would wait for the dead rank and block all threads. Under PMIx, the
    parent of each worker calls it.
    """
    LEAVING.acquire()
    sys.stdout.flush()
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi and mpi.Is_initialized() and (alive or PMIX):
        signal.alarm(9)  # kills this process if it hangs
        mpi.Finalize()
        ctypes.PyDLL(None).exit(status)  # runs the exit handler with which MPICH signs off from Hydra
    os._exit(status)

# --- meeting.py

"""Connects ranks that srun started, without MPI, through a file like dask-jobqueue's SLURMRunner."""

import os
import time


def join_by_file(config: Options) -> Joined:
    rank, size = int(ENV["SLURM_PROCID"]), config.get("ranks") or int(ENV["SLURM_NTASKS"])

    def share(text: str) -> str:
        """Write the text on rank 0, to a file that only its owner can read, and read it on all ranks."""
        path = (ENV.get("HPCGEN_STATUS") or f".dask-{ENV['SLURM_JOB_ID']}-{ENV['SLURM_STEP_ID']}") + ".meet"
        if rank == 0:
            with open(os.open(path + "~", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
            os.rename(path + "~", path)
        for _ in range(600):
            if os.path.exists(path):
                with open(path) as file:
                    return file.read()
            time.sleep(0.1)
        die(f"{path} does not exist after a minute: start the job in a folder that all hosts share")

    return rank, size, share

# --- slurm.py

"""Starts Dask on ranks that srun started, without MPI."""

from typing import List


def begin(config: Options, argv: List[str]) -> None:
    serve(config, argv, join_by_file(config))

main(begin)