"""`ray symmetric-run` on each node, where this Ray has it (2.49 and newer); else the classic form, and a line that says so.

Ray's own command starts Ray and, on the first node, the program. Each node tells it of the address, the ports, and its own
CPUs and memory. The end is ours, as in the classic form: its `ray stop` would end the user's other Rays, its workers look for
the head for a minute, and its status is 0 if Ray has not started, and 247 for `kill -9` (run on 2.60).
"""

import importlib.metadata
import importlib.util
import os
import socket
import sys
from contextlib import suppress

from hpcgen.ray.cluster import Door, join, lead
from hpcgen.ray.node import ENV, Failed, Ray, say, spawn

# Writes down that the program runs, then its status, and is ended with the rest.
NOTING = 'echo >"$0"; "$@"; echo $? >"$0"; exec sleep 600'


class Symmetric(Ray):
    """`ray symmetric-run`; on the first node what it says goes, with what the program says, into the job's output."""

    def __init__(self, asked, rank, head=None):
        self.asked, self.first = asked, not rank
        super().__init__(asked, rank, head)

    def start(self, line):
        """Without what Ray's command says itself of a node's part in the cluster."""
        own = ("start", "--block", "--head", "--node-ip-address", "--address", "--port")
        rest = [word for word in line[3:] if word.partition("=")[0] not in own]
        self.note, words = os.path.join(self.folder, "program"), self.asked["argv"]
        if words[0] == "-c" or words[0].endswith(".py"):
            words = [sys.executable, *words]
        line = [*line[:3], "symmetric-run", f"--address={self.address}", f"--min-nodes={self.asked['nodes']}", *rest]
        line += ["--", "sh", "-c", NOTING, self.note, *words]
        ENV["RAY_ADDRESS"] = self.address  # else it counts the nodes of a cluster in Ray's own folder
        ENV["PATH"] = f"{os.path.dirname(sys.executable)}:{ENV.get('PATH', os.defpath)}"  # where it looks for `ray`
        ENV.setdefault("RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT", str(self.asked["wait"]))
        if self.first:
            self.process = spawn(line)
        else:
            super().start(line)

    def status(self):
        """The program's; an empty line while it runs, and nothing before it does."""
        with suppress(OSError), open(self.note) as note:
            return note.read()
        return ""


def first(asked):
    door, ray = Door(asked["nodes"] - 1), None
    try:
        ray = Symmetric(asked, 0)
        host, _, port = ray.address.partition(":")
        while ray.process.poll() is None and not ray.status().strip():
            with socket.socket() as sock:
                if not door.answer and sock.connect_ex((host, int(port))) == 0:
                    door.answer = f"{ray.address} {ray.folder}"
                    say(f"Ray at {ray.address}, dashboard http://127.0.0.1:{ray.dashboard}")
            try:
                door.tick()
            except Failed as problem:
                if not ray.status():
                    raise
                say(f"goes on without a node: {problem}")
        if not ray.status().strip():
            raise Failed("ray symmetric-run has ended before the program, and says why")
        return int(ray.status())
    finally:
        door.close()
        if ray:
            ray.end()


def begin(asked, rank):
    found = importlib.util.find_spec("ray")
    if found and os.path.exists(os.path.join(os.path.dirname(found.origin), "scripts", "symmetric_run.py")):
        return join(asked, rank, Symmetric) if rank else first(asked)
    if found and not rank:
        say(f"Ray {importlib.metadata.version('ray')} has no symmetric-run, which 2.49 and newer have: the classic form")
    return join(asked, rank) if rank else lead(asked)
