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