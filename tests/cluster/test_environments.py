"""What `hpcgen env` and `hpcgen container` write, carried out: installed, built, and a job of the site run with it."""
from __future__ import annotations

import dataclasses
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import needs

needs.or_skip()

from hpcgen import load, plan, render  # noqa: E402
from hpcgen.install import container, environment  # noqa: E402
from hpcgen.request.layers import Layer, merge  # noqa: E402
from hpcgen.script.render import document  # noqa: E402

from . import apptainer, bed, cases, mpi, slurm, suites  # noqa: E402
from .shape import Module  # noqa: E402

SITES = {"mahuika": "Intel(R) MPI Library", "kestrel": "MPICH", "m3-smu": "Open MPI"}
WHEELS = mpi.CACHE / "wheels"
INTEL = mpi.CACHE / "prefixes" / "impi"
PIP = ["/usr/bin/python3", "-m", "pip", "--quiet", "--disable-pip-version-check"]
ARGUMENTS = ["a b", "$(touch CANARY)", "'", "*"]
PROGRAM = "import sys\nfrom mpi4py import MPI\nprint(MPI.COMM_WORLD.size, sys.argv[1:])\n"


def asked(**values: object):
    return merge([Layer("flag", "command line", values, strict=False)])


# --- images


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Each site's image, built once and only where a test asks for it."""
    folder = mpi.CACHE / "images" / "tried"
    folder.mkdir(parents=True, exist_ok=True)
    yield {site: folder / f"{site}.sif" for site in SITES}
    for file in folder.iterdir():
        file.unlink()


def image(images: dict[str, Path], site: str) -> tuple[Path, str]:
    place, recipe = images[site], images[site].with_suffix(".def")
    if not place.exists():
        made = container.choose(load(site), asked(), container.ImageOptions(base=str(apptainer.base())))
        recipe.write_text(document("definitions/pip.def", container.context(made)))
        place.with_suffix(".log").write_text(apptainer.build(str(recipe), place))
    return place, place.with_suffix(".log").read_text()


@pytest.mark.parametrize("site", SITES)
def test_definition_is_built_and_its_test_holds(images: dict[str, Path], site: str) -> None:
    place, said = image(images, site)
    ran = said.partition("Running testscript")[2]
    assert place.exists() and SITES[site] in ran
    assert [line.split()[0] for line in ran.splitlines() if line.startswith(("mpi4py ", "dask"))] == [
        "mpi4py",
        "dask",
        "dask-mpi",
    ]


def test_the_series_of_the_hosts_mpirun_can_be_had(images: dict[str, Path]) -> None:
    """Gadi's note names a package: it is installed, and the MPI that starts is of that series."""
    bare = container.choose(load("gadi"), asked())
    (note,) = [note for note in bare.notes if "another series" in note]
    package = shlex.split(note.partition("--package ")[2])[0]
    made = container.choose(load("gadi"), asked(), container.ImageOptions((package,), base=str(apptainer.base())))
    recipe = images["m3-smu"].with_name("gadi.def")
    recipe.write_text(document("definitions/pip.def", container.context(made)))
    ran = apptainer.build(str(recipe), recipe.with_suffix(".sif")).partition("Running testscript")[2]
    assert "Open MPI v4.1." in ran and "\ndask-mpi " in ran


def test_a_test_that_must_fail_does(images: dict[str, Path]) -> None:
    """The same image, said to hold another MPI."""
    place, _ = image(images, "mahuika")
    recipe = place.with_name("wrong.def")
    text = place.with_suffix(".def").read_text()
    recipe.write_text(
        f"Bootstrap: localimage\nFrom: {place}\n\n%test{text.partition('%test')[2].replace('Intel(R) MPI', 'Open MPI')}"
    )
    with pytest.raises(RuntimeError, match="not the expected MPI: Open MPI"):
        apptainer.build(str(recipe), place.with_name("wrong.sif"))


@pytest.mark.parametrize("site, suite, nodes", [("mahuika", "", None), ("kestrel", "", None), ("m3-smu", "trixie", "2")])
def test_a_job_runs_in_the_image(images: dict[str, Path], site: str, suite: str, nodes: str | None) -> None:
    """The self-check over Dask, and the image's own run script with arguments that a shell would read.

    M3's over two hosts, where the ranks of Open MPI find each other by the PMIx 5 that only Slurm 24.11 has here.
    """
    place, _ = image(images, site)
    up = bed.Miniature(dataclasses.replace(cases.shape(site, suite), name=f"test-image-{site}")).up()
    try:
        folder = up.workdir("image")
        (folder / "dask-mpi.sif").symlink_to(place)
        (folder / "words.py").write_text(PROGRAM)
        common = {"image": "dask-mpi.sif", "account": "a", "time": "5m", "mem_per_cpu": "500M", "nodes": nodes}
        check = plan(load(site), asked(workers="2", **common))
        words = plan(
            load(site), asked(workload="mpi", ntasks="2", container_verb="run", program="words.py", args=ARGUMENTS, **common)
        )
        (folder / "check.sh").write_text(render(check))
        (folder / "words.sh").write_text(render(words))
        up.give(folder)
        for name, expected in (("check.sh", "Dask result: 5"), ("words.sh", f"2 {ARGUMENTS!r}")):
            done = slurm.run(up, name, cwd=str(folder), seconds=240).completed()
            assert expected in done.output
            assert len(up.hosts_of(done.records[0]["NodeList"])) == int(nodes or 1)
        assert not (folder / "CANARY").exists()
    finally:
        up.down()


def test_the_advice_joins_the_ranks() -> None:
    """Vaughan's profile names no PMI: with what the note says to give, the ranks of Intel MPI in an image find each
    other; where Slurm's own default is none, they do not without."""
    site, library = load("vaughan"), "/opt/pmi/libpmi2.so"
    shape = dataclasses.replace(cases.shape("vaughan", ""), name="test-advice", pmi_library=library, mpi_default="none")
    up = bed.Miniature(shape).up()
    try:
        folder = up.workdir("advice")
        (folder / "my.sif").symlink_to(apptainer.IMAGE)
        (folder / "words.py").write_text(PROGRAM)
        common = {
            "image": "my.sif",
            "account": "a",
            "time": "5m",
            "mem_per_cpu": "500M",
            "workload": "mpi",
            "program": "words.py",
        }
        bare = plan(site, asked(ntasks="2", **common))
        (note,) = [note for note in bare.notes if "by which PMI" in note]
        words = shlex.split(note.partition(": give ")[2].partition(",")[0].replace("DIR/libpmi2.so", library))
        assert words[::2] == ["--mpi", "--bind", "--env"]
        given = {"mpi": words[1], "bind": [words[3]], "env": dict([words[5].split("=")])}
        (folder / "bare.sh").write_text(render(bare))
        (folder / "given.sh").write_text(render(plan(site, asked(ntasks="2", **given, **common))))
        up.give(folder)
        assert slurm.run(up, "bare.sh", cwd=str(folder), seconds=120).completed().output.count("1 []") == 2
        assert slurm.run(up, "given.sh", cwd=str(folder), seconds=120).completed().output.count("2 []") == 2
    finally:
        up.down()


def test_the_hosts_mpi_takes_the_images_place(images: dict[str, Path], prepared: Path) -> None:
    """What a Cray's job exports and binds: here Intel MPI, which has MPICH's binary interface too, stands for Cray's."""
    place, _ = image(images, "kestrel")
    code = "from mpi4py import MPI; print(MPI.Get_library_version())"
    run = [
        "unshare",
        "--user",
        "--map-root-user",
        "--",
        "apptainer",
        "exec",
        "--bind",
        f"{INTEL}:/host",
        str(place),
        "python",
        "-c",
        code,
    ]
    for named, library in (([], "MPICH"), (["APPTAINERENV_LD_LIBRARY_PATH=/host/lib"], "Intel(R) MPI Library")):
        line = [*suites.inside(suites.root("unstable")), "env", *named, *run]
        done = subprocess.run(line, capture_output=True, text=True)
        assert done.stdout.startswith(library), done.stderr


# --- environments


@pytest.fixture(scope="module")
def prepared() -> Path:
    """What pip would fetch, since hosts reach nothing; and Intel MPI with its compiler, as a module has it."""
    if not (WHEELS / "complete").exists():
        fetch = [*PIP, "download", "--dest", str(WHEELS)]
        subprocess.run(
            [*fetch, "--only-binary=:all:", "dask", "distributed", "dask-mpi", "build", "setuptools", "wheel", "cython"],
            check=True,
        )
        subprocess.run([*fetch, "--no-deps", "--no-binary=mpi4py", "mpi4py"], check=True)
        for wheel in WHEELS.glob("mpi4py*.whl"):
            wheel.unlink()  # the source alone: nothing else may be installed in its place
        (WHEELS / "complete").touch()
    if not INTEL.exists():
        part = Path(f"{INTEL}.part")
        subprocess.run([*PIP, "install", "--prefix", str(part), "--ignore-installed", "impi-rt", "impi-devel"], check=True)
        (part / "local" if (part / "local").exists() else part).rename(INTEL)  # Debian's pip adds a folder
    return WHEELS


def test_user_base_is_installed_and_a_job_runs_with_it(prepared: Path) -> None:
    """Vaughan's way: mpi4py compiled with the compiler of the module `intel`, then Dask over it under srun."""
    site, shape = load("vaughan"), cases.shape("vaughan", "")
    modules = [
        Module("intel", str(INTEL), {"I_MPI_ROOT": str(INTEL)}) if module.name == "intel" else module
        for module in shape.modules
    ]
    modules = [
        dataclasses.replace(module, gives="python") if module.name.startswith("Python/") else module for module in modules
    ]
    up = bed.Miniature(dataclasses.replace(shape, name="test-userbase", modules=tuple(modules))).up()
    try:
        folder = up.workdir("install")
        made = environment.choose(site, asked(userbase="~/dask"))
        (folder / "install.sh").write_text(document("environments/userbase.sh", environment.context(made)))
        job = plan(site, asked(userbase="~/dask", workers="2", account="a", time="5m", mem_per_cpu="500M"))
        (folder / "job.sh").write_text(render(job))
        up.give(folder)
        # Debian keeps pip out of its Python unless told; unoptimised, the one large file takes a fifth of the time
        env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(prepared), "PIP_BREAK_SYSTEM_PACKAGES": "1", "CFLAGS": "-O0"}
        answer = up.run(["bash", "install.sh"], cwd=str(folder), env=env, seconds=900)
        assert "with Intel(R) MPI Library" in answer.stdout and "Successfully built mpi4py" in answer.stdout
        done = slurm.run(up, "job.sh", cwd=str(folder), seconds=240).completed()
        assert "Dask result: 5" in done.output
    finally:
        up.down()
