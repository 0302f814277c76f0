"""Builds hpcgen-VERSION-cpXY-PLATFORM.pyz: one file with hpcgen and all it needs, for login nodes that are offline.

The packages are copied from the environment of the Python that runs this, so that the file holds the versions that are tested
and the build needs no network. The file runs with the same version of Python on the same kind of machine: see tools/start.py.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import tempfile
import zipapp
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution, PackageNotFoundError, PathDistribution, distribution
from pathlib import Path
from typing import Dict, Iterable

from hatchling.build import build_wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).resolve().parent.parent


def ours(tree: Path, room: str) -> Distribution:
    """hpcgen itself, as its wheel has it."""
    os.chdir(TOP)  # where a build backend is called
    with zipfile.ZipFile(Path(room, build_wheel(room))) as wheel:
        wheel.extractall(tree)
    (info,) = tree.glob("*.dist-info")
    return PathDistribution(info)


def needed(requires: Iterable[str], found: Dict[str, Distribution]) -> Dict[str, Distribution]:
    """The distributions that these requirements lead to."""
    for requirement in map(Requirement, requires):
        name = canonicalize_name(requirement.name)
        if name not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            try:
                found[name] = distribution(requirement.name)
            except PackageNotFoundError:
                sys.exit(f"pyz: {requirement} is not installed for {sys.executable}: pip install {TOP}")
            needed(found[name].requires or (), found)
    return found


def copy(package: Distribution, tree: Path) -> None:
    """Its files, without programs and compiled Python."""
    if package.files is None:
        sys.exit(f"pyz: {package.metadata['Name']} has no list of its files: install it with pip in a virtual environment")
    for file in package.files:
        if file.parts[0] != ".." and "__pycache__" not in file.parts and file.name != "direct_url.json":
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            (tree / file).write_bytes(Path(str(package.locate_file(file))).read_bytes())


def digest(tree: Path) -> str:
    """Names the contents: each file has a cache folder of its own."""
    total = hashlib.sha256()
    for path in sorted(path for path in tree.rglob("*") if path.is_file()):
        total.update(f"{path.relative_to(tree)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return total.hexdigest()[:32]


def main(out: Path) -> None:
    python, platform = sys.version_info[:2], sysconfig.get_platform()
    with tempfile.TemporaryDirectory() as room:
        tree = Path(room, "tree")
        made = ours(tree, room)
        for package in needed(made.requires or (), {}).values():
            copy(package, tree)
        built = {"python": python, "platform": platform, "suffix": EXTENSION_SUFFIXES[0], "digest": digest(tree)}
        start = Path(__file__).with_name("start.py").read_text()
        (tree / "__main__.py").write_text(start.replace("BUILT = {}", f"BUILT = {built!r}"))
        target = out / "hpcgen-{}-cp{}{}-{}.pyz".format(made.version, *python, platform)
        out.mkdir(parents=True, exist_ok=True)
        zipapp.create_archive(tree, target, "/usr/bin/env python{}.{}".format(*python), compressed=True)
        target.chmod(0o755)
        # what is not in the file is missed here
        test = [sys.executable, "-I", "-S", str(target), "--version"]
        subprocess.run(test, env={"XDG_CACHE_HOME": room}, check=True, stdout=subprocess.DEVNULL)
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist").resolve())
