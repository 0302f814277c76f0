#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen local --workers 4 dask_example.py

export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_NUM_THREADS=1

launcher=$(cat <<'PYTHON'
import atexit, contextlib, ctypes, inspect, json, logging, os, queue, secrets, socket, sys, threading, time, types
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection, wait
from signal import SIG_IGN, SIGUSR1, SIGUSR2, signal
ENV = os.environ
HOST = socket.gethostname().partition(".")[0]
OPTIONS = ("nthreads", "memory_limit", "local_directory", "worker_class")
RANKS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "PALS_RANKID", "FLUX_TASK_RANK", "SLURM_PROCID")
def say(text):
 print("hpcgen:", text, file=sys.stderr, flush=True)
def die(text):
 if next((ENV[name] for name in RANKS if name in ENV), "0") == "0":
  say(text)
 else:
  time.sleep(2)
 os._exit(1)
def later(seconds, status):
 timer = threading.Timer(seconds, os._exit, (status,))
 timer.daemon = True
 timer.start()
def look(asked, argv):
 options = {name: asked[name] for name in OPTIONS if name in asked}
 versions, wrong, found = ["Python {}.{}".format(*sys.version_info)], [], {}
 for name in ("dask", "distributed", "dask-mpi", options.get("worker_class", "dask").partition(".")[0].replace("_", "-")):
  try:
   versions.append(f"{name} {version(name)}")
  except PackageNotFoundError:
   wrong.append(f"{name} is not installed for {sys.executable}")
 if argv and argv[0][0] != "-" and not os.path.isfile(argv[0]):
  wrong.append(f"{argv[0]}: no such program in {os.getcwd()} on {HOST}")
 if not wrong:
  import psutil
  here = psutil.net_if_addrs().items()
  found = {name: one.address for name, addresses in here for one in addresses if one.family == socket.AF_INET}
 wanted = [name for name in (asked.get("interface"), *asked.get("fallback", ())) if name]
 chosen = next((name for name in wanted if name in found), None)
 if chosen:
  options["interface"], found = chosen, {chosen: found[chosen]}
 elif wanted and found:
  wrong.append(f"{HOST} has no {' or '.join(wanted)}: say --interface {' or '.join(found)}")
 if "local_directory" in options:
  options["local_directory"] = os.path.expandvars(options["local_directory"])
 return options, sorted(found.values(), key=lambda ip: ip.startswith("127.")), ", ".join(versions), wrong
def intercept(start):
 import dask_mpi
 import distributed
 real, plain, begun = dask_mpi.initialize, distributed.Client.__init__, []
 def begin(own):
  if not begun:
   begun.append(True)
   distributed.Client.__init__ = plain
   start(real, own)
 def initialize(*args, **kwargs):
  own = inspect.signature(real).bind(*args, **kwargs).arguments
  begin({name: own[name] for name in own if name not in ("comm", "exit")})
  return True
 def __init__(self, address=None, *args, **kwargs):
  if address is None:
   begin({})
  plain(self, address, *args, **kwargs)
 distributed.Client.__init__, dask_mpi.initialize = __init__, initialize
def announce(asked, address, port):
 place, login = address.split("//")[-1].rpartition(":")[0] + f":{port}", asked.get("login")
 say(f"scheduler {address}" + (f", dashboard http://{place}/status" if port else ""))
 if port and login:
  say(f"from your machine: ssh -N -L {port}:{place} {login}, then http://localhost:{port}/status")
def enter(argv):
 sys.path.insert(0, "" if argv[0] == "-c" else os.path.dirname(os.path.realpath(argv[0])))
def run(argv):
 enter(argv)
 main = sys.modules["__main__"] = types.ModuleType("__main__")
 path, sys.argv = argv[0], argv
 try:
  if path == "-c":
   sys.argv = ["-c", *argv[2:]]
   exec(compile(argv[1], "<string>", "exec"), main.__dict__)
  else:
   main.__file__ = path
   with open(path, "rb") as file:
    exec(compile(file.read(), path, "exec"), main.__dict__)
 except SystemExit as end:
  if end.code is None or isinstance(end.code, int):
   return (end.code or 0) & 255
  print(end.code, file=sys.stderr)
  return 1
 except BaseException as why:
  trace = why.__traceback__.tb_next
  sys.excepthook(type(why), why.with_traceback(trace), trace)
  return 1
 return 0
def main(begin):
 threads = ENV.get("OMP_NUM_THREADS", "1")
 for name in ("OMP", "MKL", "OPENBLAS"):
  ENV.setdefault(f"{name}_NUM_THREADS", threads)
  ENV.setdefault(f"DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON__{name}_NUM_THREADS", threads)
 ENV.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")
 if sys.path[0] == "":
  del sys.path[0]
 argv = sys.argv[1:]
 asked = json.loads(argv.pop(0)) if argv and argv[0].startswith("{") else {}
 argv = asked.get("argv", argv)
 begin(asked, argv) if argv else die("no program: name one")
def leave(status, whole=True):
 sys.stdout.flush()
 sys.stderr.flush()
 MPI = sys.modules.get("mpi4py.MPI")
 if whole and MPI:
  later(3, status)
  MPI.Finalize()
 os._exit(status)
def hub(server, size, token):
 links, seen, over = {}, {}, []
 def tell(word, value):
  over.extend([word] if word in ("end", "stop") else [])
  for one in links:
   with contextlib.suppress(OSError):
    one.send((word, value))
 def stop(*why):
  for text in why:
   say(text)
  tell("stop", len(links) == size)
 def accept(one):
  if one.poll(5) and secrets.compare_digest(one.recv_bytes(64), token.encode()):
   links[one] = -1
 def hear(one, word, value):
  if word != "hello":
   return tell(word, len(links) == size if word == "end" else value)
  links[one] = value[0]
  seen[value[0]] = value
  if len(seen) == size:
   everyone = [seen[rank] for rank in range(size)]
   mine = everyone[0][2]
   why = [text for *_, wrong in everyone for text in wrong]
   why += [f"{host} has {its}, and {HOST} {mine}: all need the same" for _, host, its, _ in everyone if its != mine]
   stop(*dict.fromkeys(why)) if why else tell("go", [host for _, host, *_ in everyone])
 def lost(rank):
  if rank < 0 or over:
   return
  text = f"rank {rank} on {seen[rank][1]} has died"
  if rank > 1 and max(links.values()) > 1:
   return say(f"{text}: the other workers go on")
  stop(f"{text}, {'which ran the program' if rank == 1 else 'the last worker'}: all end")
 deadline = time.monotonic() + 30
 while True:
  for one in wait([server, *links], 1):
   try:
    accept(Connection(server.accept()[0].detach())) if one is server else hear(one, *one.recv())
   except (EOFError, OSError):
    lost(links.pop(one, -1))
  if len(seen) < size and time.monotonic() > deadline and not over:
   stop(f"ranks {sorted({*range(size)} - {*seen})} do not reach {HOST}: is its network up?")
def reach(places, port, token):
 for place in places * 5:
  with contextlib.suppress(OSError):
   one = socket.create_connection((place, port), 3)
   one.settimeout(None)
   link = Connection(one.detach())
   link.send_bytes(token.encode())
   return link
 time.sleep(30)
def serve(asked, argv, rank, size, bcast):
 options, places, versions, wrong = look(asked, argv if rank == 1 else ())
 meeting = None
 if rank == 0:
  server, token = socket.create_server(("", 0), backlog=size), secrets.token_hex()
  threading.Thread(target=hub, args=(server, size, token), daemon=True).start()
  meeting = [places or [HOST], server.getsockname()[1], token]
 link, words, state = reach(*bcast(meeting)), queue.Queue(), {"status": 1}
 def listen():
  while True:
   try:
    word, value = link.recv()
   except (EOFError, OSError):
    if rank == 1 and "over" not in state:
     say("rank 0, the scheduler, has died: all end")
    os._exit(state["status"])
   if word == "stop":
    leave(1, value)
   if word == "end":
    state.update({"over": value}, **({} if rank == 1 else {"status": 0}))
    close(state["status"])
   words.put((word, value))
 def hear(wanted):
  while True:
   word, value = words.get()
   if word == wanted:
    return value
   if word == "end":
    leave(0, value)
 def share(address, root=0):
  if rank == root:
   from distributed import Scheduler
   board = next(iter(Scheduler._instances)).services.get("dashboard")
   link.send(("address", (address, getattr(board, "port", None))))
  address, port = hear("address")
  if rank == 1:
   announce(asked, address, port)
  return address
 def play(initialize, own):
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
  if ENV.get("HPCGEN_STATUS"):
   with open(ENV["HPCGEN_STATUS"], "w") as file:
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
 for number in (SIGUSR1, SIGUSR2):
  signal(number, SIG_IGN)
 from dask_mpi import initialize
 enter(argv)
 play(initialize, hear("start"))
 leave(0, state["over"] if "over" in state else hear("end"))
def close(status):
 later(4, status)
 if "dask_mpi" in sys.modules:
  from distributed import Nanny, Scheduler, Worker
  logging.getLogger("distributed").setLevel(99)
  for server in [*Nanny._instances, *Worker._instances, *Scheduler._instances]:
   server.loop.add_callback(server.close)
FLAVOURS = {"Intel(R) MPI": "intel", "CRAY MPICH": "mpich", "MPICH": "mpich", "Open MPI": "openmpi"}
def begin(asked, argv):
 try:
  import mpi4py
  mpi4py.rc.initialize = False
  from mpi4py import MPI
  name = MPI.Get_library_version().split("\n")[0].strip("\0 ")
 except (ImportError, RuntimeError) as why:
  die(f"mpi4py does not work with {sys.executable} ({why}): install it for the site's MPI")
 found = next((FLAVOURS[text] for text in FLAVOURS if text in name), name)
 cure = f"start with srun --mpi={'pmix' if found == 'openmpi' else 'pmi2'}"
 if asked.get("mpi", found) != found:
  die(f"mpi4py uses {name}, but MPI here is {asked['mpi']}: install mpi4py for that, or say --mpi TYPE")
 if "SLURM_STEP_ID" in ENV:
  wired(found, cure)
 MPI.Init_thread()
 comm = MPI.COMM_WORLD
 ranks = asked.get("ranks", comm.size)
 if comm.size == 1 < ranks:
  die(f"each of {ranks} ranks is alone: {name} and the launcher share no PMI: {cure}, or with its own mpiexec")
 if comm.size != ranks or ranks < 3:
  die(f"{comm.size} ranks were started, not {max(ranks, 3)}: scheduler, program and workers have one each")
 serve(asked, argv, comm.rank, ranks, comm.bcast)
def wired(found, cure):
 library, pmix = ENV.get("I_MPI_PMI_LIBRARY", ""), "PMIX_RANK" in ENV
 if found == "openmpi" and not pmix:
  die(f"Open MPI joins its ranks by PMIx, which srun did not start: {cure}")
 if found == "intel" and os.path.exists(library):
  if pmix or "PMI_FD" not in ENV:
   die(f"I_MPI_PMI_LIBRARY is {library}, but srun did not start PMI-2: {cure}, or unset it")
  if not any(hasattr(ctypes.CDLL(library), name) for name in ("PMI2_Init", "PMI_Init")):
   die(f"I_MPI_PMI_LIBRARY is {library}, which is no PMI library: name Slurm's libpmi2.so")
main(begin)
PYTHON
)

# Rank 0 is Dask's scheduler, rank 1 runs the program, the others are workers.
mpiexec -n 6 python -c "$launcher" '{"ranks":6,"nthreads":1,"memory_limit":"896MiB","interface":"lo"}' dask_example.py
