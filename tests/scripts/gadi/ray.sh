#!/bin/bash
# hpcgen 0.1.0: site gadi, facts of 2026-08-18 to 2026-11-21
# made by: hpcgen pbs --site gadi --workload ray --account vp91 --time 04:00:00 --nodes 2 --cpus-per-task 48 --mem 190G --venv /g/data/vp91/venvs/ray tune.py
#PBS -N tune
#PBS -P vp91
#PBS -q normal
#PBS -l walltime=04:00:00
#PBS -l ncpus=96
#PBS -l mem=380gb
#PBS -l storage=gdata/vp91+scratch/vp91
#PBS -l wd
#PBS -j oe

module load python3/3.11.0
module load openmpi/4.1.5
. /g/data/vp91/venvs/ray/bin/activate || exit

launcher=$(cat <<'PYTHON'
import ctypes, fcntl, hashlib, importlib.util, json, os, select, shutil, signal, socket, struct, subprocess, sys, time
from contextlib import suppress
ENV = os.environ
HOST = socket.gethostname().partition(".")[0]
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
RANKS = ("SLURM_PROCID", "FLUX_TASK_RANK", "PALS_RANKID", "PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK")
LONGEST = 107 - len("/session_2026-11-21_08-06-52_370933_1234567/sockets/plasma_store")
Failed = type("Failed", (Exception,), {})
def say(text):
 print(f"hpcgen: {HOST}: {text}", file=sys.stderr, flush=True)
def secret(purpose):
 return hashlib.sha256((ENV["RAY_AUTH_TOKEN"] + purpose).encode()).hexdigest()
def address(interfaces, peer):
 with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
  for name in interfaces:
   with suppress(OSError):
    asked = struct.pack("256s", name.encode()[:15])
    return socket.inet_ntoa(fcntl.ioctl(sock, 0x8915, asked)[20:24])
  if interfaces:
   say(f"no address on {' or '.join(interfaces)}: taking that of the host's name")
  with suppress(OSError):
   sock.connect((peer or socket.gethostbyname(socket.gethostname()), 9))
   if sock.getsockname()[0].startswith("127."):
    sock.connect(("10.255.255.255", 9))
  return sock.getsockname()[0]
def blocks(purpose):
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
 for base in (local, ENV.get("TMPDIR"), "/tmp"):
  path = os.path.join(os.path.expandvars(base or ""), f"ray-{secret('folder')[:8]}-{rank}")
  if base and len(path) <= LONGEST:
   with suppress(OSError):
    os.mkdir(path, 0o700)
    return path
 raise Failed("no folder for Ray: /tmp cannot be written")
def spawn(line, deaf=True, **more):
 library = ctypes.CDLL(None)
 def first():
  library.prctl(1, signal.SIGKILL)
  for number in SIGNALS[3:] if deaf else ():
   signal.signal(number, signal.SIG_IGN)
 return subprocess.Popen(line, start_new_session=True, preexec_fn=first, **more)
class Ray:
 def __init__(self, asked, rank, head=None):
  self.folder = folder(asked.get("local"), rank)
  base = next(base for base in blocks(f"node {rank}") if all(map(free, range(base, base + 16))))
  node = address(asked.get("interfaces", ()), head and head.partition(":")[0])
  self.address, self.dashboard = head or f"{node}:{base}", base + 1
  line = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", f"--node-ip-address={node}"]
  line += [f"--address={head}"] if head else ["--head", f"--port={base}", f"--dashboard-port={base + 1}"]
  if not head and importlib.util.find_spec("grpc"):
   line.append(f"--ray-client-server-port={base + 2}")
  names = "node-manager object-manager dashboard-agent-listen dashboard-agent-grpc runtime-env-agent metrics-export"
  line += [f"--{name}-port={base + number}" for number, name in enumerate(names.split(), 3)]
  line += ["--min-worker-port=0", "--max-worker-port=0", f"--temp-dir={self.folder}", "--disable-usage-stats"]
  line += [f"--num-{kind}={asked[kind]}" for kind in ("cpus", "gpus")]
  whole, store = asked.get("memory"), asked.get("object_store")
  if whole and store is None:
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
 if number not in SIGNALS[3:]:
  sys.exit(128 + number)
def main(begin):
 asked = {"wait": 300, "argv": sys.argv[2:], **json.loads(sys.argv[1])}
 rank = next((int(ENV[name]) for name in RANKS if ENV.get(name, "").isdigit()), None)
 for number in SIGNALS:
  signal.signal(number, stop)
 ctypes.CDLL(None).prctl(36, 1)
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
  until = time.monotonic() + 20
  while not self.answer and time.monotonic() < until:
   if sum(b"\n" in text for text in self.heard.values()) == self.others:
    break
   with suppress(Failed):
    self.tick()
  for sock in (self.listener, *self.heard):
   sock.close()
def knock(seconds):
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
    sys.exit(1)
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
 except Failed as problem:
  sock.sendall(f"{HOST}: {problem}\n".encode())
  sock.recv(1)
 finally:
  if ray:
   ray.end(its_folder)
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
PYTHON
)

# One process on each node: on the first, which is this one, it runs Ray's head and the program; the others join. Whoever has
# not this job's token is refused (Ray 2.52 and newer).
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
mpirun -x RAY_AUTH_TOKEN -x HPCGEN_HEAD --bind-to none --map-by ppr:1:node -n 2 python -c "$launcher" '{"nodes":2,"cpus":48,"gpus":0,"unset":["OMP_NUM_THREADS"],"memory":194560,"interfaces":["ib0"],"local":"$PBS_JOBFS"}' tune.py
