"""The gallery: each request of tests/scripts/<site>/ and the very script that it makes.

A snapshot proves sameness only. So each script is also read by bash and by ShellCheck here, by Slurm's own parser in
test_oracle.py, and run in tests/cluster.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import msgspec
import pytest
from gallery import beside

from hpcgen import load, plan, render, schedulers, workloads
from hpcgen.base import toml
from hpcgen.base.errors import RequestError
from hpcgen.model.job import Carried, Job, Origin
from hpcgen.profiles.site import Site
from hpcgen.request.layers import Layer, merge
from hpcgen.script import embed
from hpcgen.workloads.dask_mpi import PARTS

SCRIPTS = Path(__file__).parent / "scripts"
CASES = sorted(SCRIPTS.glob("*/*.toml"))
FILES = beside(SCRIPTS, ".sh")


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def made(path: Path) -> Job:
    site = load(path.parent.name)
    values = {**toml.read(path, RequestError), "site": site.id}
    return plan(site, merge([Layer("file", path.name, values)]))


def script(path: Path) -> str:
    return render(made(path))


# The launchers that scripts hold. Each module of them is one golden file, and so is what joins the modules. The gallery's
# scripts have a mark in place of a launcher, and a launcher has a mark in place of each module.
MARK = "…"
LAUNCHERS = {
    **{f"dask-{runner}": Carried("launcher", package="dask", modules=("program", *parts)) for runner, parts in PARTS.items()},
    "ray": Carried("launcher", package="ray", modules=("node", "cluster")),
    "ray-symmetric": Carried("launcher", package="ray", modules=("node", "cluster", "symmetric")),
}
GOLDEN = Path(__file__).parent / "launchers"
MODULES = sorted({(str(one.package), module): one for one in LAUNCHERS.values() for module in one.modules}.items())
MODULE = re.compile(r"(?<=# --- )(\w+)\.py\n\n(.*?)(?=\n\n# --- |\n\nmain\(begin\)$)", re.DOTALL)


def golden(job: Job) -> str:
    """The golden text of the launcher that a job carries."""
    (found,) = [one for one in job.carried if one.name == "launcher"]
    (launcher,) = [called for called, one in LAUNCHERS.items() if one == found]
    text = (GOLDEN / f"{launcher}.py").read_text()
    for module in found.modules:
        text = text.replace(MARK, (GOLDEN / str(found.package) / f"{module}.py").read_text(), 1)
    return text


@pytest.mark.parametrize("path", CASES, ids=name)
def test_script(path: Path, snapshot: Any) -> None:
    """The script is what the gallery shows, with the golden text of its launcher in the place of the mark."""
    job = made(path)
    text = render(job)
    if not job.carries("launcher"):
        assert text == snapshot(extension_class=FILES, name=name(path))
        return
    assert text.count(golden(job)) == 1
    shown = text.replace(golden(job), MARK)
    assert shown == snapshot(extension_class=FILES, name=name(path)) and shown.count(MARK) == 1


@pytest.mark.parametrize("path", CASES, ids=name)
def test_a_job_read_from_json_makes_the_same_script(path: Path) -> None:
    job = made(path)
    again = Job.from_json(job.to_json())
    assert again == job and render(again) == render(job)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_launcher(launcher: str, snapshot: Any) -> None:
    one = LAUNCHERS[launcher]
    shown = MODULE.sub(rf"\1.py\n\n{MARK}", embed.carried(str(one.package), one.modules))
    assert shown == snapshot(extension_class=beside(GOLDEN, ".py"), name=launcher) and shown.count(MARK) == len(one.modules)


@pytest.mark.parametrize("at, one", MODULES, ids=["/".join(at) for at, _ in MODULES])
def test_module_of_launchers(at: Tuple[str, str], one: Carried, snapshot: Any) -> None:
    texts = dict(MODULE.findall(embed.carried(str(one.package), one.modules)))
    assert texts[at[1]] == snapshot(extension_class=beside(GOLDEN, ".py"), name="/".join(at))


@pytest.mark.parametrize("path", CASES, ids=name)
def test_the_story_comes_first(path: Path) -> None:
    """A script that carries a launcher has its text last, but for the call of main."""
    job = made(path)
    lines = render(job).splitlines()
    if not job.carries("launcher"):
        assert "main() {" not in lines
        return
    end = lines.index("}")
    assert lines.index("main() {") < end < lines.index("launcher=$(cat <<'PYTHON'") and lines[-1] == 'main "$@"'
    assert [line for line in lines[lines.index("main() {") + 1 : end] if line and not line.startswith(" ")] == []


def test_the_showcase_tells_its_story_in_the_first_lines() -> None:
    lines = script(SCRIPTS / "mahuika/high_memory.toml").splitlines()
    assert lines.index("}") < 45 and max(map(len, lines[: lines.index("}")])) <= 170


def test_no_orphans() -> None:
    assert {p.with_suffix("") for p in SCRIPTS.glob("*/*.sh")} == {p.with_suffix("") for p in CASES}
    assert {p.stem for p in GOLDEN.glob("*.py")} == set(LAUNCHERS)
    assert {(p.parent.name, p.stem) for p in GOLDEN.glob("*/*.py")} == {at for at, _ in MODULES}


def test_every_site_has_a_case() -> None:
    from hpcgen.profiles.listing import listing

    assert {path.parent.name for path in CASES} >= set(listing())


def planned(values: Dict[str, Any]) -> Optional[Tuple[str, str, bool]]:
    """The scheduler, the workload and whether one process runs on each of several nodes; None where it is refused."""
    try:
        site = load(values["site"])
        job = plan(site, merge([Layer("file", "case", values)]))
    except RequestError:
        return None
    each = workloads.get(job.workload).one_a_node and sum(c.ntasks for c in job.components) > 1
    return job.scheduler, job.workload, each


def test_every_workload_has_a_case_under_every_scheduler() -> None:
    """Under each that takes it at one site or another, and over several nodes where it is started once on each of them."""
    from hpcgen.profiles.listing import listing

    there = {planned({**toml.read(path, RequestError), "site": path.parent.name}) for path in CASES}
    found = set()
    for site, workload in itertools.product(list(listing()), workloads.names()):
        what = {"commands": "runs.txt", "tasks": 3} if workload == "array" else {"program": "x.py"}
        one: Dict[str, Any] = {"site": site, "workload": workload, "account": "ab12", **what}
        found |= {planned(one), planned({**one, "nodes": 2})}
    wanted = {one for one in found if one and (one[2] or (*one[:2], True) not in found)}
    assert {kind for kind, *_ in wanted} == set(schedulers.names())
    assert wanted - there == set()


@pytest.mark.parametrize("path", CASES, ids=name)
def test_bash_reads_it(path: Path) -> None:
    assert subprocess.run(["bash", "-n"], input=script(path), text=True, capture_output=True).stderr == ""


def needs(command: str) -> List[str]:
    if shutil.which(command) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{command} is not installed: apt-get install {command}")
    return [command]


@pytest.mark.parametrize("path", CASES, ids=name)
def test_shellcheck_finds_nothing(path: Path) -> None:
    """SC1090 and SC1091 are of files that exist only at the site, SC2016 of variables that each rank expands itself."""
    command = [*needs("shellcheck"), "--shell=bash", "--exclude=SC1090,SC1091,SC2016", "-"]
    done = subprocess.run(command, input=script(path), text=True, capture_output=True)
    assert done.stdout == ""


@pytest.mark.parametrize("path", sorted((Path(__file__).parent.parent / "templates").rglob("*.sh")), ids=lambda p: p.name)
def test_templates_are_bash(path: Path) -> None:
    """With a command in the place of each include, for a function needs one."""
    text = re.sub(r"^#% *include .*$", ":", path.read_text(), flags=re.MULTILINE)
    assert subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True).stderr == ""
    assert text.endswith("\n") and not [line for line in text.splitlines() if line != line.rstrip()]


def test_same_bytes_again() -> None:
    assert script(CASES[0]) == script(CASES[0])


def test_planning_reads_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a function of the site and the request: what scripts hold is fetched when they are rendered."""
    asked = []
    for path in CASES:
        site = load(path.parent.name)
        asked.append((site, merge([Layer("file", path.name, {**toml.read(path, RequestError), "site": site.id})])))
        plan(*asked[-1])  # what it imports

    def opened(event: str, args: Any) -> None:
        assert not (watching and event == "open"), args

    watching = False
    sys.addaudithook(opened)
    watching = True
    for site, request in asked:
        plan(site, request)
    watching = False


@pytest.mark.parametrize("path", CASES, ids=name)
def test_origins_only_explain(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script is the same whatever its origins say: none is compared with another, and no text of one is read."""
    expected, cite = script(path), Site.cite

    def compared(self: Origin, other: object) -> bool:
        raise AssertionError(f"compared: {self.kind} {self.text}")

    def reworded(self: Site, *place: str) -> Origin:
        return msgspec.structs.replace(cite(self, *place), kind="rule", text="reworded")

    monkeypatch.setattr(Origin, "__eq__", compared)
    monkeypatch.setattr(Site, "cite", reworded)
    assert script(path) == expected
