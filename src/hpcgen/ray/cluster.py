"""Rank 0 runs Ray's head and, when all nodes have joined, the program; the other ranks join, and end when it does."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

from hpcgen.ray.node import ENV, HOST, SIGNALS, Failed, Ray, blocks, say, secret, spawn

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
    """Where the other nodes ask for Ray's address, and learn by the connection's end that the job is done."""

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
        """Hears who asks, and answers once there is an address. Raises Failed with what a node has failed at."""
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
        """Those who come late to a head that has failed are to hear of it too."""
        until = time.monotonic() + 20
        while not self.answer and time.monotonic() < until:
            if sum(b"\n" in text for text in self.heard.values()) == self.others:
                break
            with suppress(Failed):
                self.tick()
        for sock in (self.listener, *self.heard):
            sock.close()


def knock(seconds):
    """The connection to the head's door, Ray's address, and the head's folder."""
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
                sys.exit(1)  # the head has failed, and says why
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
    except Failed as problem:  # the head says it for us, and then goes, or goes on with the others
        sock.sendall(f"{HOST}: {problem}\n".encode())
        sock.recv(1)
    finally:
        if ray:
            ray.end(its_folder)  # older versions use that path on all nodes
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
    """Waits until all nodes have joined."""
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
