# hpcgen 0.1.0: program.py, ranks.py, meeting.py, mpi.py of src/hpcgen/dask, as they are written, and the call that starts them.

# --- program.py

"""The program: what its host has is looked at, its first Client() or initialize() starts Dask, and its status is kept."""

import inspect
import json
import os
import socket
import sys
import time
import types
from importlib.metadata import version

ENV = os.environ
HOST = socket.gethostname()
PMIX = "PMIX_RANK" in ENV


def say(text):
    print("hpcgen:", text, file=sys.stderr)


def die(text):
    """One line for all, from the first rank; the others give it the time."""
    if ENV.get("PMIX_RANK", ENV.get("PMI_RANK", ENV.get("SLURM_PROCID", "0"))) == "0":
        say(text)
    else:
        time.sleep(2)
    os._exit(1)


def look(asked, argv):
    """This host: options for Dask, addresses, versions as one text, and what is wrong here, with the program too."""
    options = {n: os.path.expandvars(v) if isinstance(v, str) else v for n, v in asked.get("dask", {}).items()}
    versions, wrong, found = [f"Python {sys.version[:4]}"], [], {}
    for name in ("dask", "distributed", "dask_mpi", *asked.get("needs", ())):
        try:
            versions.append(f"{name} {version(name)}")
        except ImportError:
            wrong.append(f"no {name} in {sys.executable}")
    if argv and argv[0][0] != "-" and not os.path.isfile(argv[0]):
        wrong.append(f"no program {argv[0]} in {os.getcwd()}")
    if not wrong:
        import psutil

        here = psutil.net_if_addrs().items()
        found = {name: one.address for name, addresses in here for one in addresses if one.family == socket.AF_INET}
    wanted = asked.get("interfaces", ())
    chosen = next((name for name in wanted if name in found), None)
    if chosen:
        options["interface"], found = chosen, {chosen: found[chosen]}
    elif wanted and found:
        wrong.append(f"no interface {' or '.join(wanted)}: say --interface {' or '.join(found)}")
    return options, sorted(found.values(), key="127.0.0.1".__eq__), ", ".join(versions), wrong


def intercept(start):
    """The program's own initialize() and its first Client() start Dask, once."""
    import dask_mpi
    import distributed

    real, plain, first = dask_mpi.initialize, distributed.Client.__init__, [True]

    def begin(own):
        if first:
            first.pop()
            start(real, own)

    def initialize(*args, **more):
        own = inspect.signature(real).bind(*args, **more).arguments
        begin({name: own[name] for name in own if name not in ("comm", "exit")})
        return True

    def __init__(self, address=None, *args, **more):
        if address is None:
            begin({})
        plain(self, address, *args, **more)

    distributed.Client.__init__, dask_mpi.initialize = __init__, initialize


def announce(asked, address, services):
    say(f"scheduler {address}")
    port = getattr(services.get("dashboard"), "port", None)
    if port:
        tunnel = f", ssh -N -L {port}:{HOST}:{port} {asked['login']} brings it to localhost" if "login" in asked else ""
        say(f"dashboard http://{HOST}:{port}/status{tunnel}")


def enter(argv):
    """The program's folder is where its modules are found, after ours: it may be called dask_mpi.py."""
    sys.path.insert(0, "" if argv[0] == "-c" else os.path.dirname(os.path.realpath(argv[0])))


def run(argv):
    """As Python itself would, `program args` or `-c code args`: the status that it ends with."""
    enter(argv)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    path, sys.argv = argv[0], argv
    try:
        if path == "-c":
            sys.argv = ["-c", *argv[2:]]
            exec(compile(argv[1], "<string>", "exec"), main.__dict__)
        else:
            main.__file__ = path = os.path.join(os.getcwd(), path)
            with open(path, "rb") as file:
                exec(compile(file.read(), path, "exec"), main.__dict__)
    except SystemExit as end:
        if isinstance(end.code, (int, type(None))):
            return (end.code or 0) & 255
        print(end.code, file=sys.stderr)
    except BaseException as why:
        trace = why.__traceback__.tb_next
        sys.excepthook(type(why), why.with_traceback(trace), trace)
    else:
        return 0
    return 1


def main(begin):
    """Libraries follow OMP_NUM_THREADS, and Dask tells of trouble only."""
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    argv = sys.argv[1:]
    asked = json.loads(argv.pop(0)) if argv and argv[0].startswith("{") else {}
    for name in ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        ENV.setdefault(name, ENV.get("OMP_NUM_THREADS", "1"))
    ENV.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")
    ENV.update(asked.get("env", {}))
    argv = asked.get("argv", argv)
    begin(asked, argv) if argv else die("name a program")

# --- ranks.py

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

# --- meeting.py

"""Ranks that srun numbers meet without MPI, as those of dask-jobqueue's SLURMRunner do: by an address in a file."""

import json
import os
import time


def numbered(asked):
    """This rank, the number of all, and how rank 0's word comes to it."""
    rank, size = int(ENV["SLURM_PROCID"]), asked.get("ranks") or int(ENV["SLURM_NTASKS"])
    path = ENV.get("HPCGEN_STATUS", ".dask-{SLURM_JOB_ID}-{SLURM_STEP_ID}".format(**ENV)) + ".meet"

    def by_file(value):
        """In a file that only its owner can read."""
        if rank == 0:
            with open(os.open(path + "~", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(value, file)
            os.rename(path + "~", path)
        for _ in range(600):
            if os.path.exists(path):
                with open(path) as file:
                    return json.load(file)
            time.sleep(0.1)
        die(f"there is no {path} after a minute: the hosts must share the working folder")

    return rank, size, by_file

# --- mpi.py

"""Ranks joined by MPI. What would abort within MPI_Init, or leave every rank alone, is found before it."""

import ctypes
import os
import sys


def begin(asked, argv):
    serve(asked, argv, *(joined if "HPCGEN_BY_FILE" not in ENV else apart)(asked))


def apart(asked):
    """Where MPI_Init would not come back. What the program says of MPI fails then, and does not hang."""
    ENV["MPI4PY_RC_INITIALIZE"] = "0"
    if ENV["SLURM_PROCID"] == "0":
        say("the components' hosts are not in the order of their names, in which alone Slurm's PMI-2 joins them: no MPI here")
    return numbered(asked)


def joined(asked):
    try:
        import mpi4py

        mpi4py.rc.initialize = False
        from mpi4py import MPI

        name = " ".join(MPI.Get_library_version().split("\n")[0].split(",")[0].split())
    except (ImportError, RuntimeError) as why:
        die(f"{sys.executable} has no mpi4py that works ({why})")
    if asked.get("mpi", "") not in name:
        die(f"mpi4py uses {name}, not {asked['mpi']}: install it for that, or say --mpi TYPE")
    cure = f"start with srun --mpi={'pmix' if 'Open MPI' in name else 'pmi2'}"
    if "SLURM_STEP_ID" in ENV:
        wired(name, cure)
    MPI.Init_thread()
    comm = MPI.COMM_WORLD
    ranks = asked.get("ranks", comm.size)
    if comm.size == 1:
        die(f"every rank is alone: {name} and the launcher share no PMI: {cure}")
    if comm.size != ranks or ranks < 3:
        die(f"{comm.size} ranks were started, not {max(ranks, 3)}")

    def bcast(meeting):
        """PMIx ends all when it loses one: the worker is a child of the process that PMIx knows."""
        meeting = comm.bcast(meeting)
        if comm.rank > 1 and PMIX:
            if os.fork():
                os.wait()
                MPI.Finalize()
                os._exit(0)
            MPI.Finalize = int
        return meeting

    return comm.rank, ranks, bcast


def wired(name, cure):
    """Whether srun started the PMI that this MPI speaks."""
    library = ENV.get("I_MPI_PMI_LIBRARY", "")
    wrong = "MPICH" in name or os.path.exists(library) if PMIX else "Open MPI" in name
    if wrong or not any(text.startswith(("PMI", "PALS")) for text in ENV):
        die(f"srun did not start the PMI of {name}: {cure}")
    inits = ("PMI_Init", "PMI2_Init")
    if "Intel" in name and os.path.exists(library) and not any(hasattr(ctypes.CDLL(library), text) for text in inits):
        die(f"I_MPI_PMI_LIBRARY: {library} has no PMI: name Slurm's libpmi2.so")

main(begin)