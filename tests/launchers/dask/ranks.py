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