"""Runs `ray symmetric-run` on each node if Ray is 2.49 or newer. Otherwise prints a line, and runs `ray start`.

`ray symmetric-run` starts Ray and, on the first node, the program. Each node passes it the address, the ports, and the node's
CPUs and memory. This module ends Ray itself, because the command's `ray stop` would end the user's other instances of Ray,
and its workers search for the head for a minute. This module also finds the program's status itself, because the command's
status is 0 if Ray does not start, and 247 after `kill -9` (run on 2.60).
"""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from contextlib import suppress


NOTING = 'echo >"$0"; "$@"; echo $? >"$0"; exec sleep 600'  # records the start and the status, and waits to be killed


class Symmetric(Ray):
    """`ray symmetric-run`. On the first node, its output and the program's output go to the job's output."""

    def start(self) -> subprocess.Popen[bytes]:
        ENV["RAY_ADDRESS"] = self.address  # otherwise it counts the nodes of the cluster in Ray's default folder
        ENV["PATH"] = f"{os.path.dirname(sys.executable)}:{ENV.get('PATH', os.defpath)}"  # it searches the PATH for `ray`
        ENV.setdefault("RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT", str(self.config["wait"]))
        self.note = os.path.join(self.folder, "program")
        options = [f"--address={self.address}", f"--min-nodes={self.config['nodes']}", *self.options()]
        words = ["symmetric-run", *options, "--", "sh", "-c", NOTING, self.note, *program(self.config)]
        if self.rank:
            return self.spawn_ray(*words)
        return spawn([sys.executable, "-m", "ray.scripts.scripts", *words])

    def status(self) -> str:
        """Return the program's status, an empty line while it runs, or an empty string before it starts."""
        with suppress(OSError), open(self.note) as note:
            return note.read()
        return ""


def lead_symmetric(config: Options) -> int:
    """Start the head and the program with `ray symmetric-run`, and return the program's status."""
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
            raise Failed("ray symmetric-run exited before the program ended: see its messages above")
        return int(ray.status())
    finally:
        door.close()
        if ray:
            ray.end()


def begin(config: Options, rank: int) -> int:
    """Replaces the `begin` of `cluster`."""
    found = importlib.util.find_spec("ray")
    if found and found.origin and os.path.exists(os.path.join(os.path.dirname(found.origin), "scripts/symmetric_run.py")):
        return join(config, rank, Symmetric) if rank else lead_symmetric(config)
    if found and not rank:
        say(f"Ray {importlib.metadata.version('ray')} has no symmetric-run, which is new in 2.49: using ray start")
    return join(config, rank) if rank else lead(config)