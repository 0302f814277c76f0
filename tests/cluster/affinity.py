"""Gives a host more CPUs than the machine has.

Slurm binds tasks with sched_setaffinity, and the kernel refuses CPUs that do not exist. A seccomp filter hands this
call and its sister to a supervisor, which keeps the masks and answers for the kernel: tasks see the mask that the
scheduler gave them, and run wherever the kernel likes.
"""
from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import socket
import struct
import threading
from contextlib import suppress

SYSCALLS = {"x86_64": (0xC000003E, 317, 203, 204), "aarch64": (0xC00000B7, 277, 122, 123)}
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
RECV, SEND = 0xC0502100, 0xC0182101  # ioctl numbers of struct seccomp_notif (80 bytes) and its answer (24)
libc = ctypes.CDLL(None, use_errno=True)


def install_filter() -> int:
    """Filter this process and its descendants; the file descriptor returned is the supervisor's end."""
    arch, seccomp, setter, getter = SYSCALLS[platform.machine()]
    code = [
        (0x20, 0, 0, 4),  # load the architecture
        (0x15, 0, 3, arch),
        (0x20, 0, 0, 0),  # load the call's number
        (0x15, 2, 0, setter),
        (0x15, 1, 0, getter),
        (0x06, 0, 0, ALLOW),
        (0x06, 0, 0, NOTIFY),
    ]
    program = b"".join(struct.pack("HBBI", *line) for line in code)
    text = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
    new_listener = 1 << 3
    fd = libc.syscall(seccomp, 1, new_listener, ctypes.byref(header))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses the affinity filter (Linux 5.0 or newer, as root)")
    return fd


def spawn(argv: list[str], env: dict[str, str], log: int, cpus: int) -> int:
    """Start a daemon under the filter; a thread of this process answers for it."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.dup2(log, 1)
        os.dup2(log, 2)
        socket.send_fds(theirs, [b"fd"], [install_filter()])
        os.execvpe(argv[0], argv, env)
    theirs.close()
    _, fds, _, _ = socket.recv_fds(ours, 2, 1)
    threading.Thread(target=Supervisor(fds[0], cpus).serve, daemon=True).start()
    return pid


class Supervisor:
    def __init__(self, listener: int, cpus: int) -> None:
        self.listener = listener
        self.everything = (1 << cpus) - 1
        self.size = (cpus + 63) // 64 * 8
        self.setter = SYSCALLS[platform.machine()][2]
        self.masks: dict[tuple[int, str], int] = {}

    def serve(self) -> None:
        while True:
            request = bytearray(80)
            try:
                fcntl.ioctl(self.listener, RECV, request)
            except OSError as problem:
                if problem.errno in (errno.EINTR, errno.ENOENT):  # the caller died meanwhile
                    continue
                return
            ident, caller, _, call = struct.unpack_from("QIIi", request)
            try:
                value, error = self.answer(caller, call, *struct.unpack_from("3Q", request, 32)), 0
            except OSError as problem:
                value, error = 0, -(problem.errno or errno.EINVAL)
            with suppress(OSError):
                fcntl.ioctl(self.listener, SEND, struct.pack("QqiI", ident, value, error, 0))

    def answer(self, caller: int, call: int, target: int, length: int, address: int) -> int:
        target = target & 0xFFFFFFFF or caller
        length &= 0xFFFFFFFF
        if call == self.setter:
            with open(f"/proc/{caller}/mem", "rb", 0) as memory:
                memory.seek(address)
                mask = int.from_bytes(memory.read(min(length, 128)), "little") & self.everything
            if not mask:
                raise OSError(errno.EINVAL, "no such CPU")
            self.masks[target, born(target)] = mask
            return 0
        if length < self.size:
            raise OSError(errno.EINVAL, "mask too short")
        with open(f"/proc/{caller}/mem", "r+b", 0) as memory:
            memory.seek(address)
            memory.write(self.mask(target).to_bytes(self.size, "little"))
        return self.size

    def mask(self, pid: int) -> int:
        """A task without a mask of its own has that of its process, a process that of its parent."""
        while pid > 1:
            try:
                known = self.masks.get((pid, born(pid)))
                if known is not None:
                    return known
                pid = parent(pid)
            except OSError:
                break
        return self.everything


def stat(pid: int) -> list[str]:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()


def born(pid: int) -> str:
    return stat(pid)[19]


def parent(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    group = int(fields["Tgid"])
    return group if group != pid else int(fields["PPid"])
