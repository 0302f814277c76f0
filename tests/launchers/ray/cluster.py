"""Rank 0 runs Ray's head and, when all nodes have joined, the program. The other ranks join, and exit after rank 0."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Dict, List, Optional, Set, Tuple, Type


COUNT = """import sys, time, ray  # runs in its own process
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
    """A server where the other nodes ask for Ray's address and report failures. When it closes, they exit."""

    def __init__(self, others: int) -> None:
        self.others, self.answer = others, ""
        self.received: Dict[socket.socket, bytes] = {}
        self.answered: Set[socket.socket] = set()
        for base in port_blocks("door")[:4]:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.listener.bind(("", base + 15))
                self.listener.listen(1024)
                return
            except OSError:
                self.listener.close()
        raise Failed("all ports for connections from other nodes are in use")

    def tick(self) -> None:
        """Read messages from the nodes, and send Ray's address if it is known. Raise Failed if a node reports a failure."""
        for sock in select.select([self.listener, *self.received], [], [], 0.1)[0]:
            if sock is self.listener:
                self.received[sock.accept()[0]] = b""
            else:
                self.read(sock)
        for sock, text in self.received.items():
            if self.answer and b"\n" in text and sock not in self.answered:
                sock.sendall(f"{secret('head')} {self.answer}\n".encode())
                self.answered.add(sock)

    def read(self, sock: socket.socket) -> None:
        """Read the secret, or a failure after it. Close connections that do not send the secret."""
        data = b""
        with suppress(OSError):
            data = sock.recv(4096)
        self.received[sock] += data
        word, _, rest = self.received[sock].partition(b"\n")
        if not data or not secret("node").startswith(word.decode(errors="replace")):
            del self.received[sock]
            sock.close()
        elif rest.endswith(b"\n"):
            self.received[sock] = word + b"\n"
            raise Failed(rest.decode(errors="replace").strip())

    def close(self) -> None:
        """End all nodes. If Ray has failed, first wait for nodes that have not connected yet."""
        until = time.monotonic() + 20
        while not self.answer and time.monotonic() < until:
            if sum(b"\n" in text for text in self.received.values()) == self.others:
                break
            with suppress(Failed):
                self.tick()
        for sock in (self.listener, *self.received):
            sock.close()


def knock(seconds: int) -> Tuple[socket.socket, str, str]:
    """Return the connection to the door, Ray's address, and the head's folder."""
    host, until = ENV["HPCGEN_HEAD"], time.monotonic() + seconds
    while time.monotonic() < until:
        for base in port_blocks("door")[:4]:
            try:
                sock = socket.create_connection((host, base + 15), 5)
                sock.settimeout(seconds)
                sock.sendall(f"{secret('node')}\n".encode())
                word, *answer = sock.makefile().readline().strip().split(" ", 2)
            except (OSError, ValueError):
                continue
            if word == secret("head"):
                sock.settimeout(None)
                address, folder = answer
                return sock, address, folder
            if not word:
                sys.exit(1)  # the head has failed, and printed the reason
            sock.close()
        time.sleep(0.2)
    raise Failed(f"Ray's head on {host} did not answer within {seconds} s")


def join(config: Options, rank: int, kind: Type[Ray] = Ray) -> int:
    """Join the head, and wait until rank 0 closes the connection."""
    sock, head, head_folder = knock(config["wait"])
    ray = None
    try:
        ray = kind(config, rank, head)
        while not select.select([sock], [], [], 0.5)[0]:
            ray.check()
    except Failed as problem:  # rank 0 prints it, and then ends or continues with the other nodes
        sock.sendall(f"{HOST}: {problem}\n".encode())
        sock.recv(1)
    finally:
        if ray:
            ray.end(head_folder)  # older versions of Ray use the head's path on all nodes
    return 0


def lead(config: Options) -> int:
    """Start the head and the program, and return the program's status."""
    door, ray = Door(config["nodes"] - 1), None
    try:
        ray = Ray(config, 0)
        ENV["RAY_ADDRESS"] = ray.address
        gather(config, ray, door)
        return run(program(config), ray, door)
    finally:
        door.close()
        if ray:
            ray.end()


def program(config: Options) -> List[str]:
    """Return the program's command line."""
    words: List[str] = config["argv"]
    return [sys.executable, *words] if words[0] == "-c" or words[0].endswith(".py") else words


def run(command: List[str], ray: Ray, door: Door) -> int:
    """Run the program, forward signals to it, and return its status."""
    try:
        process = spawn(command, deaf=False)
    except OSError as problem:
        raise Failed(f"{command[0]}: {problem.strerror}") from None
    for number in ENDING + WARNINGS:
        signal.signal(number, lambda number, _: process.send_signal(number))
    while process.poll() is None:
        ray.check()
        listen(door)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def listen(door: Door) -> None:
    """Continue if a node fails while the program runs."""
    try:
        door.tick()
    except Failed as problem:
        say(f"a node has failed, but the job continues: {problem}")


def gather(config: Options, ray: Ray, door: Door) -> None:
    """Wait until all nodes have joined."""
    until = time.monotonic() + config["wait"]
    count: Optional[subprocess.Popen[bytes]] = None
    with open(os.path.join(ray.folder, "nodes"), "w+") as output:
        while (count is None or count.poll() is None) and time.monotonic() < until:
            ray.check()
            door.tick()
            if count is None and answers(ray.address):
                command = [sys.executable, "-c", COUNT, ray.address, str(config["nodes"])]
                count = spawn(command, stdout=output, stderr=subprocess.DEVNULL)
                door.answer = f"{ray.address} {ray.folder}"
        output.seek(0)
        said = (output.read().splitlines() or ["Ray's head does not answer"])[-1]
    if count is None or count.poll() != 0:
        raise Failed(f"{said} after {config['wait']} s")
    say(f"{said} at {ray.address}, dashboard http://127.0.0.1:{ray.dashboard}")


def answers(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as sock:
        return sock.connect_ex((host, int(port))) == 0


def begin(config: Options, rank: int) -> int:
    return join(config, rank) if rank else lead(config)