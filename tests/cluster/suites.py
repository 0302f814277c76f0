"""Other Debians in folders of their own: newer Slurms, and Apptainer."""
from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from .mpi import CACHE

SLURM = ("slurmctld", "slurmd", "slurm-client", "munge", "libpmi2-0t64", "lmod", "iproute2", "python3", "python3-venv")
SUITES = {"": "/", "trixie": "roots/trixie", "unstable": "roots/unstable"}
PACKAGES = {"trixie": SLURM, "unstable": (*SLURM, "apptainer", "squashfs-tools", "squashfuse", "fuse-overlayfs")}
VERSIONS = {"": "22.05", "trixie": "24.11", "unstable": "26.05"}


def root(suite: str) -> Path:
    return CACHE / SUITES[suite]


def ready(suite: str) -> bool:
    return not suite or (root(suite) / "complete").exists()


def install(name: str, suite: str, packages: tuple[str, ...]) -> Path:
    """debootstrap alone does not resolve what libraries of an unstable suite need: apt inside the root does."""
    place = CACHE / "roots" / name
    if (place / "complete").exists():
        return place
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    quietly(["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(place), mirror()])
    # daemons are started by the miniature only
    (place / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (place / "usr/sbin/policy-rc.d").chmod(0o755)
    apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "install", "--no-install-recommends", "-y", *packages]
    quietly([*inside(place), *apt])
    shutil.rmtree(place / "var/cache/apt", ignore_errors=True)
    (place / "complete").touch()
    return place


def quietly(line: list[str]) -> None:
    """Hundreds of lines of packages interest nobody unless it fails."""
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{line[0]}: status {done.returncode}\n{done.stdout[-3000:]}")


def mirror() -> str:
    """Where this machine itself gets Debian from."""
    lines = [line for file in _sources() for line in file.read_text().splitlines()]
    for line in lines:
        found = re.match(r"(?:URIs:|deb\s+(?:\[.*?\]\s+)?)\s*(\S+/debian/?)(?:\s|$)", line)
        if found:
            return found.group(1)
    raise FileNotFoundError("no Debian mirror in /etc/apt")


def _sources() -> list[Path]:
    folder = Path("/etc/apt")
    return [file for file in (*folder.glob("sources.list"), *folder.glob("sources.list.d/*")) if file.is_file()]


def inside(place: Path) -> list[str]:
    """Run in such a root, with this machine's certificates and pip settings, and the cache at its usual path.

    pivot_root and not chroot, inside which the kernel refuses user namespaces and so Apptainer.
    """
    script = """
        root=$1 cache=$2; shift 2
        mount --bind "$root" "$root"
        mount --rbind /dev "$root/dev"; mount --rbind /proc "$root/proc"; mount --rbind /sys "$root/sys"
        mkdir -p "$root$cache"; mount --bind "$cache" "$root$cache"
        while [ "$1" != -- ]; do
            [ -d "$1" ] && mkdir -p "$root$1" || touch "$root$1"
            mount --bind "$1" "$root$1"; shift
        done
        shift
        cd "$root"; pivot_root . .; umount --lazy .; cd /
        exec env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
    """
    return ["unshare", "--mount", "sh", "-ec", script, "sh", str(place), str(CACHE), *settings(), *wheels(), "--"]


def settings() -> list[str]:
    """What pip and the network need: certificates and pip's own settings."""
    places = [
        Path("/etc/ssl/certs"),
        Path("/etc/pip.conf"),
        Path.home() / ".config/pip",
        Path("/etc/resolv.conf"),
        Path("/etc/hosts"),
    ]
    return [str(path) for path in places if path.exists()]


@cache
def wheels() -> tuple[str, ...]:
    """Folders of wheels that pip's settings name."""
    said = subprocess.run(["/usr/bin/python3", "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    links = re.findall(r"find-links='([^']*)'", said)
    places = dict.fromkeys(word for text in links for word in text.split() if word.startswith("/"))
    return tuple(place for place in places if Path(place).is_dir())


def libraries(suite: str) -> list[list[str]]:
    """Slurm's PMIx plugin opens libpmix.so, a name that only the development package would bring."""
    top = root(suite)
    return [[str(file), f"/{file.parent.relative_to(top)}/libpmix.so"] for file in (top / "usr/lib").glob("**/libpmix.so.2")]


def pmi_library(suite: str) -> Path:
    """Slurm's PMI-2 client library, in whichever folder this machine's architecture has it."""
    found = sorted((root(suite) / "usr/lib").glob("*/libpmi2.so.0"))
    if not found:
        raise FileNotFoundError(f"libpmi2.so.0 under {root(suite)}: install libpmi2-0")
    return found[0]
