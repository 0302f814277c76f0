"""`ray symmetric-run` on each node if this Ray has it (2.49 and newer). Otherwise the classic form, and a line says so.

Ray's own command starts Ray and, on the first node, the program. Each node gives it the address, the ports, and its own
CPUs and memory. The end is ours, as in the classic form: its `ray stop` would end the user's other Rays, its workers look
for the head for a minute, and its status is 0 if Ray has not started, and 247 for `kill -9` (run on 2.60).
"""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from contextlib import suppress

from hpcgen.ray.cluster import Door, answers, join, lead, listen, program
from hpcgen.ray.node import ENV, Failed, Options, Ray, say, spawn

NOTING = 'echo >"$0"; "$@"; echo $? >"$0"; exec sleep 600'  # notes start and status, waits for the end


class Symmetric(Ray):
    """`ray symmetric-run`. On the first node its output and the program's are the job's."""

    def start(self) -> subprocess.Popen[bytes]:
        ENV["RAY_ADDRESS"] = self.address  # else it counts the nodes of a cluster in Ray's own folder
        ENV["PATH"] = f"{os.path.dirname(sys.executable)}:{ENV.get('PATH', os.defpath)}"  # where it looks for `ray`
        ENV.setdefault("RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT", str(self.config["wait"]))
        self.note = os.path.join(self.folder, "program")
        options = [f"--address={self.address}", f"--min-nodes={self.config['nodes']}", *self.options()]
        words = ["symmetric-run", *options, "--", "sh", "-c", NOTING, self.note, *program(self.config)]
        if self.rank:
            return self.spawn_ray(*words)
        return spawn([sys.executable, "-m", "ray.scripts.scripts", *words])

    def status(self) -> str:
        """Return the program's status, an empty line while it runs, and nothing before."""
        with suppress(OSError), open(self.note) as note:
            return note.read()
        return ""


def lead_symmetric(config: Options) -> int:
    """Start head and program by Ray's own command, and return the program's status."""
    door, ray = Door(config["nodes"] - 1), None
    try:
        ray = Symmetric(config, 0)
        while ray.process.poll() is None and not ray.status().strip():
            if not door.answer and answers(ray.address):
                door.answer = f"{ray.address} {ray.folder}"
                say(f"Ray at {ray.address}, dashboard http://127.0.0.1:{ray.dashboard}")
            if ray.status():
                listen(door)
            else:
                door.tick()
        if not ray.status().strip():
            raise Failed("ray symmetric-run has ended before the program, and says why")
        return int(ray.status())
    finally:
        door.close()
        if ray:
            ray.end()


def begin(config: Options, rank: int) -> int:
    """Takes the place of the classic form's `begin`."""
    found = importlib.util.find_spec("ray")
    if found and found.origin and os.path.exists(os.path.join(os.path.dirname(found.origin), "scripts/symmetric_run.py")):
        return join(config, rank, Symmetric) if rank else lead_symmetric(config)
    if found and not rank:
        say(f"Ray {importlib.metadata.version('ray')} has no symmetric-run, which 2.49 and newer have: the classic form")
    return join(config, rank) if rank else lead(config)
