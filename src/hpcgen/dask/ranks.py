"""Ranks: 0 is the scheduler, 1 runs the program, the others are workers. A socket from each to rank 0 says who has died."""

import atexit
import contextlib
import ctypes
import logging
import os
import queue
import secrets
import socket
import sys
import threading
import time
from multiprocessing.connection import Connection, wait
from signal import SIG_IGN, SIGUSR1, SIGUSR2, alarm, signal

from hpcgen.dask.program import ENV, HOST, PMIX, announce, enter, intercept, look, run, say

ONCE = threading.Lock()


def leave(status, whole):
    """Without the MPI_Finalize that would wait for a dead rank, unless all are there: it lets no thread of Python's run."""
    ONCE.acquire()
    sys.stdout.flush()
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi and mpi.Is_initialized() and (whole or PMIX):
        alarm(9)
        mpi.Finalize()
        ctypes.PyDLL(None).exit(status)  # MPICH says goodbye to Hydra there
    os._exit(status)


class Hub:
    """In rank 0: tells all what one says, and knows at once who has died."""

    def __init__(self, server, size, token):
        self.server, self.size, self.token = server, size, token
        self.links, self.seen, self.over = {}, {}, False

    def run(self):
        until = time.time() + 30
        while True:
            for one in wait([self.server, *self.links], 1):
                try:
                    self.meet() if one is self.server else self.hear(one, *one.recv())
                except (EOFError, OSError):
                    self.lost(self.links.pop(one, -1))
            if len(self.seen) < self.size and time.time() > until and not self.over:
                self.stop(f"ranks { {*range(self.size)} - {*self.seen}} do not reach {HOST}")

    def meet(self):
        one = Connection(self.server.accept()[0].detach())
        if one.poll(5) and one.recv_bytes(64) == self.token.encode():
            self.links[one] = -1

    def hear(self, one, word, value):
        if word != "hello":
            return self.tell(word, len(self.links) == self.size if word == "end" else value)
        self.links[one] = value[0]
        self.seen[value[0]] = value
        if len(self.seen) == self.size:
            self.compare()

    def compare(self):
        """What a rank finds wrong, or has other than rank 0; else all go."""
        mine, all_ = self.seen[0][2], sorted(self.seen.values())
        why = {text: host for _, host, _, wrong in all_[::-1] for text in wrong}
        why.update({f"{its}, but {mine} on {HOST}: use one Python": host for _, host, its, _ in all_ if its != mine})
        self.stop(*(f"{host}: {text}" for text, host in why.items())) if why else self.tell("go", [one[1] for one in all_])

    def lost(self, rank):
        if rank < 0 or self.over:
            return
        text = f"rank {rank} on {self.seen[rank][1]} has died, {'a worker' if rank > 1 else 'which ran the program'}"
        say(f"{text}: the others go on") if rank > 1 and max(self.links.values()) > 1 else self.stop(f"{text}: all end")

    def stop(self, *why):
        for text in why:
            say(text)
        self.tell("stop", len(self.links) == self.size)

    def tell(self, word, value):
        self.over |= word in ("end", "stop")
        for one in sorted(self.links, key=self.links.get, reverse=True):  # rank 0 last: it may end at once
            with contextlib.suppress(OSError):
                one.send((word, value))


def reach(places, port, token):
    for place in places * 5:
        with contextlib.suppress(OSError):
            one = socket.create_connection((place, port), 3)
            one.settimeout(None)
            link = Connection(one.detach())
            link.send_bytes(token.encode())
            return link
    time.sleep(30)  # rank 0 says who is missing
    os._exit(1)


class Rank:
    """A rank that has met the others; and the communicator by which dask_mpi tells them where the scheduler is."""

    def __init__(self, asked, rank, size, link):
        self.asked, self.rank, self.size, self.link = asked, rank, size, link
        self.words, self.over, self.status = queue.Queue(), False, 1

    def run(self, argv, options, versions, wrong):
        self.options = options
        self.link.send(("hello", (self.rank, HOST, versions, wrong)))
        threading.Thread(target=self.listen, daemon=True).start()
        self.hosts = self.hear("go")
        if self.rank == 1:
            atexit.register(self.finish)
            intercept(self.start)
            self.status = run(argv)
            return
        from dask_mpi import initialize

        enter(argv)
        self.play(initialize, self.hear("start"))
        leave(0, self.hear("end"))

    def listen(self):
        while True:
            try:
                word, value = self.link.recv()
            except (EOFError, OSError):
                if self.over:
                    return
                if self.rank == 1:
                    say("rank 0, the scheduler, has died: all end")
                os._exit(1)
            if word == "stop":
                leave(1, value)
            if word == "end":
                self.over = True
                close(self.status * (self.rank == 1), value)
            self.words.put((word, value))

    def hear(self, wanted):
        while True:
            word, value = self.words.get()
            if word == wanted:
                return value
            if word == "end":
                leave(0, value)

    def start(self, initialize, own):
        """What the program asked of Dask goes for all."""
        self.link.send(("start", own))
        self.play(initialize, own)

    def play(self, initialize, own):
        """The rank's role, with its own options, and over them what the program asked for."""
        given = {"dashboard_address": ":0", **self.options, **own}
        if "memory_limit" not in given:
            from distributed.system import MEMORY_LIMIT

            given["memory_limit"] = int(MEMORY_LIMIT * 0.95 / self.hosts.count(HOST))
        initialize(**given, comm=self, exit=False)

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return self.size

    def Barrier(self):
        pass  # all have met before this

    def bcast(self, address, root=0):
        if self.rank == root:
            from distributed import Scheduler

            announce(self.asked, address, next(iter(Scheduler._instances)).services)
            self.link.send(("address", address))
        return self.hear("address")

    def finish(self):
        """After all atexit functions of the program's: those that were registered last run first."""
        with open(ENV.get("HPCGEN_STATUS") or os.devnull, "w") as file:
            print(self.status, file=file)
        self.link.send(("end", None))
        leave(self.status, self.hear("end"))


def serve(asked, argv, rank, size, bcast):
    """This rank's part, from the meeting of all to the end of the job."""
    options, places, *found = look(asked, argv if rank == 1 else ())
    for number in (SIGUSR1, SIGUSR2) if rank != 1 else ():  # a warning before the time limit is for the program
        signal(number, SIG_IGN)
    meeting = None
    if rank == 0:
        server, token = socket.create_server(("", 0), backlog=size), secrets.token_hex()
        threading.Thread(target=Hub(server, size, token).run, daemon=True).start()
        meeting = [places or [HOST], server.getsockname()[1], token]
    Rank(asked, rank, size, reach(*bcast(meeting))).run(argv, options, *found)


def close(status, whole):
    """Dask's servers end by themselves; what does not, for a task still runs, is cut off."""
    threading.Timer(2, leave, (status, whole)).start()
    from distributed import Nanny, Scheduler, Worker

    logging.disable()
    for server in [*Nanny._instances, *Worker._instances, *Scheduler._instances]:
        server.loop.add_callback(server.close)
