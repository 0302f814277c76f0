"""hpcgen as users get it: from a wheel, from the sdist and editable, on the oldest and the newest Python at hand.

The checkout is packed, unpacked elsewhere and installed from there; nothing of this environment takes part. The packages
that it needs come through pip, held by constraints.txt.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

import pytest

pytestmark = pytest.mark.slow
TOP = Path(__file__).parent.parent
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
SCRIPT = ("slurm", "--site", "mahuika", "--hetjob")
# Helpers of tests that bring no programs of the machine's with them, as clusters, parsers and launchers are.
PLAIN = {"tiny", "parts"}


def pythons() -> Dict[str, str]:
    """Interpreters by version: on PATH or among pyenv's, and the one that runs this."""
    found = {"{}.{}".format(*sys.version_info): sys.executable}
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in VERSIONS:
        for path in filter(None, [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]):
            if version not in found and _makes_environments(path, version):
                found[version] = path
    return found


def _makes_environments(path: str, version: str) -> bool:
    """A shim without its Python, and a Debian Python without its venv package, do not."""
    code = "import ensurepip, sys, venv; print('{}.{}'.format(*sys.version_info))"
    return subprocess.run([path, "-c", code], capture_output=True, text=True).stdout.strip() == version


PYTHONS = pythons()
ENDS = sorted({min(PYTHONS, key=lambda v: int(v[2:])), max(PYTHONS, key=lambda v: int(v[2:]))}, key=lambda v: int(v[2:]))


def run(*words: Any, cwd: Path, **env: str) -> str:
    """What a command prints; its environment knows nothing of the checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    done = subprocess.run([*map(str, words)], cwd=cwd, env={**kept, **env}, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


class Built(NamedTuple):
    """The wheel, the sdist, and the sdist unpacked: all that a user of a package index can have."""

    wheel: Path
    sdist: Path
    tree: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """`build` makes the wheel out of the sdist, so that what is missing in the one is missing in the other."""
    for module in ("build", "hatchling"):
        if os.environ.get("CI") != "true":
            pytest.importorskip(module, reason=f"{module} is not installed: make test does")
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, TOP, cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    shutil.unpack_archive(str(sdist), folder)
    return Built(wheel, sdist, folder / sdist.name[: -len(".tar.gz")])


class Room(NamedTuple):
    """An environment of one Python, and a folder that is nobody's."""

    python: Path
    folder: Path

    def pip(self, *words: Any) -> None:
        run(self.python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", *words, cwd=self.folder)

    def replace(self, *words: Any) -> None:
        """Install hpcgen itself anew; what it needs is there."""
        self.pip("--no-deps", "--no-build-isolation", "--force-reinstall", *words)

    def hpcgen(self, *words: str, **env: str) -> str:
        return run(self.python, "-m", "hpcgen", *words, cwd=self.folder, **env)

    def value(self, code: str, **env: str) -> str:
        return run(self.python, "-c", f"import hpcgen; print({code})", cwd=self.folder, **env).strip()


@pytest.fixture(scope="module", params=ENDS)
def room(request: Any, built: Built, tmp_path_factory: pytest.TempPathFactory) -> Room:
    """The wheel and what it asks for, first alone, from a folder of wheels as docs/offline.md has it, and then with what its
    tests need."""
    folder = tmp_path_factory.mktemp(f"python{request.param}")
    run(PYTHONS[request.param], "-m", "venv", folder / "venv", cwd=folder)
    made = Room(folder / "venv" / "bin" / "python", folder)
    constraints = ("--constraint", TOP / "constraints.txt")
    run(made.python, "-m", "pip", "--quiet", "wheel", "--wheel-dir", "wheels", *constraints, built.wheel, cwd=folder)
    made.pip("--no-index", "--find-links", "wheels", "hpcgen")
    assert made.hpcgen(*SCRIPT) == of_checkout(*SCRIPT), "what pip installs with the wheel is enough"
    made.pip(*constraints, f"hpcgen[test] @ {built.wheel.as_uri()}")
    return made


def of_checkout(*words: str) -> str:
    return run(sys.executable, "-m", "hpcgen", *words, cwd=TOP.parent, PYTHONPATH=str(TOP / "src"))


def fast() -> Iterator[str]:
    """The tests that need Python alone: of the tests' own helpers they import plain ones only."""
    here = Path(__file__).parent
    helpers = {path.stem for path in (*here.glob("*.py"), *(init.parent for init in here.glob("*/__init__.py")))}
    for path in sorted(here.glob("test_*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        named |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
        if path != Path(__file__) and not {name.partition(".")[0] for name in named} & (helpers - PLAIN):
            yield f"tests/{path.name}"


def check(room: Room) -> None:
    """The same bytes as in the checkout."""
    assert room.hpcgen(*SCRIPT) == of_checkout(*SCRIPT)
    assert room.hpcgen("sites") == of_checkout("sites")


def check_tests(room: Room, built: Built) -> None:
    """The generator's own tests pass."""
    tests = list(fast())
    assert "tests/test_planning.py" in tests
    run(room.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=built.tree)


def test_the_oldest_and_the_newest_python_are_here() -> None:
    """Not a failure: a machine has the Pythons that it has. Say which were not met."""
    missing = [version for version in (VERSIONS[0], VERSIONS[-1]) if version not in PYTHONS]
    if missing:
        pytest.skip(f"no Python {' and '.join(missing)} here: tested with {' and '.join(ENDS)}")


def test_what_is_packed(built: Built) -> None:
    """The wheel carries the data, and nothing that is not hpcgen's; the sdist all that git has."""
    names = zipfile.ZipFile(built.wheel).namelist()
    data = [path.relative_to(TOP) for folder in ("sites", "templates") for path in (TOP / folder).rglob("*.*")]
    assert {f"hpcgen/{path}" for path in data} | {"hpcgen/py.typed"} <= set(names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"hpcgen"}
    if (TOP / ".git").exists():
        tracked: List[str] = run("git", "ls-files", cwd=TOP).splitlines()
        assert [name for name in tracked if name != ".gitignore" and not (built.tree / name).exists()] == []


def installed(room: Room) -> Dict[str, bytes]:
    """All files of the installed package but those that Python has compiled."""
    (folder,) = (room.folder / "venv").glob("lib/python*/site-packages/hpcgen")
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_wheel_and_sdist(room: Room, built: Built) -> None:
    """What is installed from the sdist is, byte for byte, what is installed from the wheel, and that is tested."""
    room.replace(built.sdist)
    assert "site-packages" in room.value("hpcgen.load('mahuika').path")
    check(room)
    of_sdist = installed(room)
    room.replace(built.wheel)
    assert "site-packages" in room.value("hpcgen.load('mahuika').path")
    check(room)
    assert len(of_sdist) > 100 and installed(room) == of_sdist
    check_tests(room, built)


def test_editable_reads_the_tree(room: Room, built: Built) -> None:
    """Its sites are the tree's own and no copy: what is written there is read at once."""
    room.replace("--editable", built.tree)
    profile = built.tree / "sites" / "mahuika.toml"
    assert room.value("hpcgen.load('mahuika').path") == str(profile)
    check(room)
    if room.folder.name.startswith(f"python{ENDS[-1]}"):  # the oldest Python has run the same tests with the wheel
        check_tests(room, built)
    text = profile.read_text()
    try:
        profile.write_text(text.replace('operator = "', 'operator = "now '))
        assert room.value("hpcgen.load('mahuika').operator").startswith("now ")
    finally:
        profile.write_text(text)
    assert not list((room.folder / "venv").rglob("site-packages/hpcgen/*"))


def test_target_folder(room: Room, built: Built) -> None:
    """`pip install --target`, which drops what a wheel puts outside its package."""
    there = room.folder / "there"
    room.replace("--target", there, built.wheel)
    assert room.value("hpcgen.load('mahuika').path", PYTHONPATH=str(there)).startswith(str(there))
    assert room.hpcgen(*SCRIPT, PYTHONPATH=str(there)) == of_checkout(*SCRIPT)


def test_launchers_need_nothing_that_hpcgen_depends_on(room: Room, built: Built) -> None:
    """`pip install --no-deps` is enough for `--launcher installed`: with -S, Python sees no other package."""
    there = room.folder / "alone"
    room.replace("--target", there, built.wheel)
    for module in ("hpcgen.dask.program", "hpcgen.ray.cluster", "hpcgen.ray.symmetric"):
        run(room.python, "-S", "-c", f"import {module}", cwd=room.folder, PYTHONPATH=str(there))


# --- one file for a login node without internet access


def offline() -> List[str]:
    """A prefix that takes the network away, where this machine allows it."""
    words = ["unshare", "--user", "--map-root-user", "--net", "--"]
    allowed = shutil.which(words[0]) and subprocess.run([*words, "true"], capture_output=True).returncode == 0
    return words if allowed else []


@pytest.fixture(scope="module")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what is installed here."""
    if os.environ.get("CI") != "true":
        pytest.importorskip("hatchling", reason="hatchling is not installed: make test does")
    folder = tmp_path_factory.mktemp("pyz")
    told = run(*offline(), sys.executable, TOP / "tools" / "pyz.py", folder / "dist", cwd=folder).strip()
    (made,) = (folder / "dist").iterdir()
    assert told == str(made) and re.fullmatch(r"hpcgen-\d.*-cp3\d+-linux-\w+\.pyz", made.name) and os.access(made, os.X_OK)
    return made.rename(folder / "hpcgen.pyz")


def started(pyz: Path, *words: str, python: str = sys.executable, **env: str) -> subprocess.Popen[str]:
    """The file by a Python that sees no installed packages, no user's settings and no network."""
    command = [*offline(), python, *([] if python != sys.executable else ["-I", "-S"]), str(pyz), *words]
    environ = {"PATH": "/usr/bin:/bin", **env}
    return subprocess.Popen(command, env=environ, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> Tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_one_file_has_all_that_it_needs(pyz: Path, tmp_path: Path) -> None:
    """It is unpacked once, by whichever of several processes comes first, and runs from there."""
    several = [started(pyz, *SCRIPT, HOME=str(tmp_path)) for _ in range(3)]
    for status, out, err in map(ended, several):
        assert (status, out) == (0, of_checkout(*SCRIPT)), err
    cache = tmp_path / ".cache/hpcgen/pyz"
    (place,) = cache.iterdir()
    assert cache.stat().st_mode & 0o777 == place.stat().st_mode & 0o777 == 0o700
    file = place / "hpcgen/__init__.py"
    file.write_text(re.sub('(?m)^__version__ = ".*"', '__version__ = "of the cache"', file.read_text()))
    assert ended(started(pyz, "--version", HOME=str(tmp_path))) == (0, "hpcgen of the cache\n", "")
    assert list(cache.iterdir()) == [place]


def test_one_file_where_the_cache_cannot_be_written(pyz: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = {"XDG_CACHE_HOME": str(tmp_path / "file"), "TMPDIR": str(tmp_path)}
    assert ended(started(pyz, "--version", **env))[::2] == (0, "")
    (other,) = tmp_path.glob("hpcgen-*")
    assert other.stat().st_mode & 0o777 == 0o700
    other.rename(tmp_path / "moved")
    other.symlink_to(tmp_path / "moved")  # as anybody could in a folder that all share
    status, out, err = ended(started(pyz, "--version", **env))
    assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("hpcgen: cannot unpack this file (") and "set XDG_CACHE_HOME to a folder" in err


@pytest.mark.parametrize("version", sorted(set(PYTHONS) - {"{}.{}".format(*sys.version_info)}))
def test_one_file_names_its_python(pyz: Path, version: str, tmp_path: Path) -> None:
    status, out, err = ended(started(pyz, "--version", python=PYTHONS[version], HOME=str(tmp_path)))
    assert (status, out, len(err.splitlines()), list(tmp_path.iterdir())) == (1, "", 1, [])
    needed = "{}.{}".format(*sys.version_info)
    assert err.startswith(f"hpcgen: this file needs CPython {needed} on linux-") and f"this is CPython {version}" in err
