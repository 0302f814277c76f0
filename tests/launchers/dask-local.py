# hpcgen 0.1.0: program.py, local.py of src/hpcgen/dask, as they are written, and the call that starts them.

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

# --- local.py

"""No ranks: a LocalCluster of the size of the allocation, in and beside the program's own process."""

import atexit
import sys


def begin(asked, argv):
    options, _, _, wrong = look(asked, argv)
    if wrong:
        die(f"{HOST}: {'; '.join(wrong)}")

    def start(initialize, own):
        import dask
        from distributed import Client, LocalCluster

        given = {"dashboard_address": ":0", **options, **own}
        main = sys.modules["__main__"].__dict__
        file = main.pop("__file__", None)  # else each worker would run a program without `if __name__ == "__main__"`
        cluster = LocalCluster(n_workers=asked.get("workers"), threads_per_worker=given.pop("nthreads", None), **given)
        main.update({"__file__": file} if file else {})
        # after the atexit functions that the program registers from now on, and before those of distributed
        atexit.register(lambda: [one.close() for one in [*Client._instances, cluster]])
        dask.config.set(scheduler_address=cluster.scheduler_address)
        announce(asked, cluster.scheduler_address, cluster.scheduler.services)

    intercept(start)
    sys.exit(run(argv))

main(begin)