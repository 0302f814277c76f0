"""The ranks: 0 is Dask's scheduler, 1 runs the program, the others are workers.

Each has a link to rank 0, which passes messages on and notices at once when a rank dies.
"""

import atexit
import contextlib
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
from multiprocessing.connection import Connection, wait
from typing import Any, Callable, Dict, List, Tuple

from hpcgen.dask.program import ENV, HOST, PMIX, Host, Options, add_folder, announce, check_host, intercept, run, say

LEAVING = threading.Lock()


def serve(settings: Options, argv: List[str], rank: int, size: int, share: Callable[[str], str]) -> None:
    """Do this rank's part of the job. `share` gives rank 0's text to all ranks."""
    host = check_host(settings, argv if rank == 1 else [])
    if rank != 1:  # a warning before the time limit is for the program
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)

    text = ""
    if rank == 0:
        server, token = socket.create_server(("", 0), backlog=size), secrets.token_hex()
        threading.Thread(target=Hub(server, size, token).run, daemon=True).start()
        text = json.dumps([host.addresses or [HOST], server.getsockname()[1], token])
    link = connect(*json.loads(share(text)))
    Rank(settings, rank, size, link).run(argv, host)


def connect(addresses: List[str], port: int, token: str) -> Connection:
    """Connect to rank 0."""
    for address in addresses * 5:
        with contextlib.suppress(OSError):
            sock = socket.create_connection((address, port), 3)
            sock.settimeout(None)
            link = Connection(sock.detach())
            link.send_bytes(token.encode())
            return link
    time.sleep(30)  # rank 0 reports which ranks are missing
    os._exit(1)


class Hub:
    """A thread of rank 0 that passes messages on to all ranks."""

    def __init__(self, server: socket.socket, size: int, token: str) -> None:
        self.server, self.size, self.token, self.ending = server, size, token, False
        self.links: Dict[Any, int] = {}  # with their ranks; -1 before the rank has said hello
        self.hosts: Dict[int, List[Any]] = {}  # by rank: name, versions, faults

    def run(self) -> None:
        deadline = time.time() + 30
        while True:
            ready: Any
            for ready in wait([self.server, *self.links], 1):
                try:
                    if ready is self.server:
                        self.accept()
                    else:
                        self.receive(ready, *ready.recv())
                except (EOFError, OSError):
                    self.lose(self.links.pop(ready, -1))
            if len(self.hosts) < self.size and time.time() > deadline and not self.ending:
                self.stop([f"ranks {set(range(self.size)) - set(self.hosts)} cannot reach {HOST}"])

    def accept(self) -> None:
        """Take a link from a rank that knows the token only: messages are pickles, which can run any code."""
        link = Connection(self.server.accept()[0].detach())
        if link.poll(5) and link.recv_bytes(64) == self.token.encode():
            self.links[link] = -1

    def receive(self, link: Connection, word: str, value: Any) -> None:
        if word == "hello":
            self.links[link], *host = value
            self.hosts[value[0]] = host
            if len(self.hosts) == self.size:
                self.compare()
        else:
            self.tell(word, value)

    def compare(self) -> None:
        """Let all ranks go, or stop them if a host has a fault, or other versions than rank 0."""
        expected = self.hosts[0][1]
        problems: Dict[str, str] = {}  # with the first host that has it
        for _, (host, versions, faults) in sorted(self.hosts.items()):
            if versions != expected:
                faults.append(f"{versions}, but {expected} on {HOST}: use one Python")
            for fault in faults:
                problems.setdefault(fault, host)
        if problems:
            self.stop([f"{host}: {fault}" for fault, host in problems.items()])
        else:
            self.tell("go", [self.hosts[rank][0] for rank in range(self.size)])

    def lose(self, rank: int) -> None:
        """Go on without a worker if there are others. Otherwise end the job."""
        if rank < 0 or self.ending:
            return
        died = f"rank {rank} on {self.hosts[rank][0]} has died"
        if rank == 1:
            self.stop([f"{died}, which ran the program: all end"])
        elif max(self.links.values()) > 1:
            say(f"{died}, a worker: the others go on")
        else:
            self.stop([f"{died}, a worker, the last one: all end"])

    def stop(self, faults: List[str]) -> None:
        for fault in faults:
            say(fault)
        self.tell("stop", None)

    def tell(self, word: str, value: Any) -> None:
        """Send a message to all ranks. The last one says whether all ranks are alive."""
        if word in ("end", "stop"):
            self.ending, value = True, len(self.links) == self.size
        for link in sorted(self.links, key=self.links.__getitem__, reverse=True):  # rank 0 last: it may end at once
            with contextlib.suppress(OSError):
                link.send((word, value))


class Rank:
    """A rank with a link to the hub. For dask_mpi it is the MPI communicator."""

    def __init__(self, settings: Options, rank: int, size: int, link: Connection) -> None:
        self.settings, self.rank, self.size, self.link = settings, rank, size, link
        self.messages: queue.Queue[Tuple[str, Any]] = queue.Queue()
        self.options: Options = {}
        self.hosts: List[str] = []
        self.ending, self.status = False, 1

    def run(self, argv: List[str], host: Host) -> None:
        """Wait for all ranks. Then run the program, or Dask's scheduler or worker."""
        self.options = host.options
        self.link.send(("hello", (self.rank, HOST, host.versions, host.faults)))
        threading.Thread(target=self.listen, daemon=True).start()
        self.hosts = self.wait_for("go")
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
        """Take messages, in a thread, until rank 0 ends."""
        while True:
            try:
                word, value = self.link.recv()
            except (EOFError, OSError):
                if self.ending:
                    return
                if self.rank == 1:
                    say("rank 0, the scheduler, has died: all end")
                os._exit(1)
            if word == "stop":
                leave(1, value)
            if word == "end":
                self.ending = True
                close_servers(self.status if self.rank == 1 else 0, value)
            self.messages.put((word, value))

    def wait_for(self, wanted: str) -> Any:
        """Return the value of the next message of this kind."""
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
        """Be scheduler, client or worker. The program's arguments override this rank's options."""
        options = {"dashboard_address": ":0", **self.options, **arguments}
        if "memory_limit" not in options:
            from distributed.system import MEMORY_LIMIT

            options["memory_limit"] = int(MEMORY_LIMIT * 0.95 / self.hosts.count(HOST))
        initialize(**options, comm=self, exit=False)

    def Get_rank(self) -> int:
        return self.rank

    def Get_size(self) -> int:
        return self.size

    def Barrier(self) -> None:
        pass  # all ranks have met before

    def bcast(self, address: Any, root: int = 0) -> Any:
        """Give the scheduler's address to all ranks."""
        if self.rank == root:
            for scheduler in servers("Scheduler"):
                announce(self.settings, address, scheduler.services)
            self.link.send(("address", address))
        return self.wait_for("address")

    def finish(self) -> None:
        """End all ranks. Runs after all atexit functions of the program: the last one registered runs first."""
        with open(ENV.get("HPCGEN_STATUS") or os.devnull, "w") as file:
            print(self.status, file=file)
        self.link.send(("end", None))
        leave(self.status, self.wait_for("end"))


def servers(*kinds: str) -> List[Any]:
    """Return Dask's servers in this process.

    distributed (2022.4 to 2026.8) has no public list of them. Without this one, only lines about the scheduler's
    address are missing, and the end takes two seconds.
    """
    import distributed

    return [server for kind in kinds for server in getattr(getattr(distributed, kind), "_instances", ())]


def close_servers(status: int, alive: bool) -> None:
    """Let Dask's servers close. End the process if that takes long: a task may still run."""
    threading.Timer(2, leave, (status, alive)).start()
    found = servers("Nanny", "Worker", "Scheduler")
    logging.disable()
    for server in found:
        server.loop.add_callback(server.close)


def leave(status: int, alive: bool) -> None:
    """End this process, once. `alive`: no rank has died.

    MPI_Finalize would wait for a dead rank, and let no other thread of Python run. Under PMIx each worker has a parent,
    which calls it in any case.
    """
    LEAVING.acquire()
    sys.stdout.flush()
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi and mpi.Is_initialized() and (alive or PMIX):
        signal.alarm(9)  # ends a process that hangs
        mpi.Finalize()
        ctypes.PyDLL(None).exit(status)  # where MPICH says goodbye to Hydra
    os._exit(status)
