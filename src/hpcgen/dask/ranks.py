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
import types
from multiprocessing.connection import Connection, wait
from signal import SIG_IGN, SIGUSR1, SIGUSR2, alarm, signal

from hpcgen.dask.program import ENV, HOST, PMIX, announce, enter, intercept, look, run, say

ONCE = threading.Lock()


def leave(status, whole):
    """Without the MPI_Finalize that would wait for a dead rank, unless all are there: it lets no thread of Python's run."""
    ONCE.acquire()
    sys.stdout.flush()
    if "mpi4py" in sys.modules and (whole or PMIX):
        alarm(9)
        sys.modules["mpi4py.MPI"].Finalize()
        ctypes.PyDLL(None).exit(status)  # MPICH says goodbye to Hydra there
    os._exit(status)


def hub(server, size, token):
    """In rank 0: tells all what one says, and knows at once who has died."""
    links, seen, over = {}, {}, []

    def tell(word, value):
        over.extend({word} & {"end", "stop"})
        for one in sorted(links, key=links.get, reverse=True):  # rank 0 last: it may end at once
            with contextlib.suppress(OSError):
                one.send((word, value))

    def stop(*why):
        for text in why:
            say(text)
        tell("stop", len(links) == size)

    def hear(one, word, value):
        if word != "hello":
            return tell(word, len(links) == size if word == "end" else value)
        links[one] = value[0]
        seen[value[0]] = value
        if len(seen) == size:
            mine, all_ = seen[0][2], sorted(seen.values())
            why = {text: host for _, host, _, wrong in all_[::-1] for text in wrong}
            why.update({f"{its}, but {mine} on {HOST}: use one Python": host for _, host, its, _ in all_ if its != mine})
            stop(*(f"{host}: {text}" for text, host in why.items())) if why else tell("go", [one[1] for one in all_])

    def lost(rank):
        if rank < 0 or over:
            return
        text = f"rank {rank} on {seen[rank][1]} has died, {'a worker' if rank > 1 else 'which ran the program'}"
        say(f"{text}: the others go on") if rank > 1 and max(links.values()) > 1 else stop(f"{text}: all end")

    until = time.time() + 30
    while True:
        for one in wait([server, *links], 1):
            try:
                if one is server:
                    one = Connection(server.accept()[0].detach())
                    if one.poll(5) and one.recv_bytes(64) == token.encode():
                        links[one] = -1
                else:
                    hear(one, *one.recv())
            except (EOFError, OSError):
                lost(links.pop(one, -1))
        if len(seen) < size and time.time() > until and not over:
            stop(f"ranks { {*range(size)} - {*seen}} do not reach {HOST}")


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


def serve(asked, argv, rank, size, bcast):
    """This rank's part, from the meeting of all to the end of the job."""
    options, places, versions, wrong = look(asked, argv if rank == 1 else ())
    for number in (SIGUSR1, SIGUSR2) if rank != 1 else ():  # a warning before the time limit is for the program
        signal(number, SIG_IGN)
    meeting = None
    if rank == 0:
        server, token = socket.create_server(("", 0), backlog=size), secrets.token_hex()
        threading.Thread(target=hub, args=(server, size, token), daemon=True).start()
        meeting = [places or [HOST], server.getsockname()[1], token]
    link, words, over, state = reach(*bcast(meeting)), queue.Queue(), [], {"status": 1}

    def listen():
        while True:
            try:
                word, value = link.recv()
            except (EOFError, OSError):
                if over:
                    return
                if rank == 1:
                    say("rank 0, the scheduler, has died: all end")
                os._exit(1)
            if word == "stop":
                leave(1, value)
            if word == "end":
                over.append(True)
                close(state["status"] * (rank == 1), value)
            words.put((word, value))

    def hear(wanted):
        while True:
            word, value = words.get()
            if word == wanted:
                return value
            if word == "end":
                leave(0, value)

    def share(address, root=0):
        """Stands for MPI's bcast, by which dask_mpi tells the ranks where the scheduler is."""
        if rank == root:
            from distributed import Scheduler

            announce(asked, address, next(iter(Scheduler._instances)).services)
            link.send(("address", address))
        return hear("address")

    def play(initialize, own):
        """The rank's role, with its own options, and over them what the program asked for."""
        given = {"dashboard_address": ":0", **options, **own}
        if "memory_limit" not in given:
            from distributed.system import MEMORY_LIMIT

            given["memory_limit"] = int(MEMORY_LIMIT * 0.95 / hosts.count(HOST))
        comm = types.SimpleNamespace(Get_rank=lambda: rank, Get_size=lambda: size, Barrier=lambda: None, bcast=share)
        initialize(**given, comm=comm, exit=False)

    def start(initialize, own):
        link.send(("start", own))
        play(initialize, own)

    def finish():
        """After all atexit functions of the program's: those that were registered last run first."""
        with open(ENV.get("HPCGEN_STATUS") or os.devnull, "w") as file:
            print(state["status"], file=file)
        link.send(("end", None))
        leave(state["status"], hear("end"))

    link.send(("hello", (rank, HOST, versions, wrong)))
    threading.Thread(target=listen, daemon=True).start()
    hosts = hear("go")
    if rank == 1:
        atexit.register(finish)
        intercept(start)
        state["status"] = run(argv)
        return
    from dask_mpi import initialize

    enter(argv)
    play(initialize, hear("start"))
    leave(0, hear("end"))


def close(status, whole):
    """Dask's servers end by themselves; what does not, for a task still runs, is cut off."""
    threading.Timer(2, leave, (status, whole)).start()
    from distributed import Nanny, Scheduler, Worker

    logging.disable()
    for server in [*Nanny._instances, *Worker._instances, *Scheduler._instances]:
        server.loop.add_callback(server.close)
