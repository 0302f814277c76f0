"""The miniature's networks: one bridge each, in the login host's own namespace, so that nothing shows outside."""
from __future__ import annotations

import subprocess

NETS = ("10.201.0", "10.202.0")  # eth0, and the high-speed interface; private to the namespaces


def address(interface: int, number: int) -> str:
    return f"{NETS[interface]}.{number}"


def ip(script: str, pid: int) -> None:
    """Run a batch of `ip` commands in the network namespace of a process."""
    subprocess.run(["nsenter", "--net", "--target", str(pid), "ip", "-batch", "-"], input=script, text=True, check=True)


def login(pid: int, interfaces: list[str]) -> None:
    """The login host's interfaces are the bridges themselves.

    A bridge left to itself takes the lowest hardware address among its cables, and hosts that know it by the one
    before then talk to nobody.
    """
    lines = ["link set lo up"]
    for number, name in enumerate(interfaces):
        lines += [
            f"link add {name} address 02:00:00:00:{number:02x}:01 type bridge",
            f"address add {address(number, 1)}/24 dev {name}",
            f"link set {name} up",
        ]
    ip("\n".join(lines), pid)


def host(login_pid: int, pid: int, number: int, interfaces: list[str]) -> None:
    """Cables from a host to the bridges; `number` is the host's last part of the address."""
    cables, ends = [], ["link set lo up"]
    for index, name in enumerate(interfaces):
        port = f"{name}-{number}"
        cables += [
            f"link add {port} type veth peer name {name} netns {pid}",
            f"link set {port} master {name}",
            f"link set {port} up",
        ]
        ends += [f"address add {address(index, number)}/24 dev {name}", f"link set {name} up"]
    ip("\n".join(cables), login_pid)
    ends.append(f"route add default via {address(0, 1)}")  # as at a site; the login host forwards nothing
    ip("\n".join(ends), pid)
