"""The public API for programs: it type-checks as people write it, and errors say their parts."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

import msgspec
import pytest

from hpcgen import (
    HpcgenError,
    Job,
    LimitError,
    Request,
    RequestError,
    SiteError,
    SubmitError,
    load,
    plan,
    render,
    sites,
    submit,
)
from hpcgen.base import given, kinds
from hpcgen.base.errors import Problem
from hpcgen.base.units import Memory, Time
from hpcgen.jobqueue import cluster
from hpcgen.jobqueue.arguments import Arguments
from hpcgen.jobqueue.extras import Extras
from hpcgen.jobqueue.live import INSTEAD

TOP = Path(__file__).parent.parent
PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]

# --- what type checkers see

NATURAL = """
from pathlib import Path
from typing import Dict

from hpcgen import HpcgenError, Job, Problem, Request, Site, jobqueue, load, plan, render, sites, submit
from hpcgen.base.units import Memory, Time

site: Site = load("mahuika")
found: Dict[str, Path] = sites()
job: Job = plan(site, Request(program="x.py", account="p", gpus="1", time="2h"))
plan(site, Request(program="x.py", time=3600, mem_per_cpu="3G", workers=3, hetjob=True, env={"A": "1"}, args=("-v",)))
plan(site, Request(program="x.py", time=Time(3600), mem=Memory(3072), stage=("a.tar",), hint="compute_bound"))
plan(site, Request(program="x", workload="mpi", ntasks=4, nodes=2, module=("A",), directive=("--nice",), open_mode="append"))
text: str = render(job)
try:
    plan(site, Request(time="99-0"))
except HpcgenError as error:
    details: "tuple[Problem, ...]" = error.details
    limit = details[0].limit or ""
    assert limit.isprintable() and error.to_json()


def later() -> str:
    jobqueue.cluster("gadi", workers=4, cpus_per_worker=12, mem="190G", time="2h", asynchronous=True, section="mine")
    return submit(job, Path("job.sh"))
"""

WRONG = """
from hpcgen import Request, jobqueue

Request(tiem="2h")
Request(time=["2h"])
Request(hetjob="yes")
Request(nodes="2")
Request(hint="fast")
jobqueue.cluster("gadi", walltime="2h")
jobqueue.cluster("gadi", nodes="2")
jobqueue.cluster(nodes=2)
"""


def shown() -> Dict[str, str]:
    """The Python of README and docs, a module for each block."""
    found = {}
    for page in PAGES:
        for number, text in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)):
            found[f"{page.stem.lower().replace('-', '_')}_{number}"] = text
    return found


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, List[int]]:
    """The lines that mypy --strict refuses, by module; all in one run, for most of its time is that of hpcgen itself."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed: pip install -e '.[dev]'")
    folder = tmp_path_factory.mktemp("typed")
    modules = {**shown(), "natural": NATURAL, "wrong": WRONG}
    paths = [folder / f"typed_{name}.py" for name in modules]
    for path, text in zip(paths, modules.values()):
        path.write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *map(str, paths)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    found: Dict[str, List[int]] = {name: [] for name in modules}
    for line in done.stdout.splitlines():
        match = re.match(r".*?typed_(\w+)\.py:(\d+): error", line)
        if match:
            found[match[1]].append(int(match[2]))
        assert match or ": note: " in line, line
    return found


def test_documented_and_natural_use_type_checks(checked: Dict[str, List[int]]) -> None:
    assert len(shown()) > 1
    assert {name: lines for name, lines in checked.items() if lines and name != "wrong"} == {}


def test_wrong_use_does_not(checked: Dict[str, List[int]]) -> None:
    calls = [number for number, line in enumerate(WRONG.splitlines(), 1) if "(" in line]
    assert sorted(set(checked["wrong"])) == calls


def test_natural_use_works() -> None:
    exec(compile(NATURAL, "natural.py", "exec"), {})


def test_the_stub_has_every_kind() -> None:
    """At run time what is given for a kind is read as that kind."""
    stub = (TOP / "src" / "hpcgen" / "base" / "given.pyi").read_text()
    assert set(re.findall(r"^(\w+) = ", stub, re.MULTILINE)) == set(given.__all__) == {kind.__name__ for kind in kinds.KINDS}
    assert all(getattr(given, kind.__name__) is kind for kind in kinds.KINDS)


@pytest.mark.parametrize(
    "text, parsed",
    [({"time": "2h"}, {"time": Time(7200)}), ({"time": 7200}, {"time": Time(7200)}), ({"mem": "3G"}, {"mem": Memory(3072)})],
)
def test_text_and_numbers_plan_alike(text: Dict[str, Any], parsed: Dict[str, Any]) -> None:
    site = load("mahuika")
    assert render(plan(site, Request(program="x.py", **text))) == render(plan(site, Request(program="x.py", **parsed)))


# --- the arguments of a live cluster


def test_cluster_has_the_fields_of_requests_and_extras() -> None:
    names = set(inspect.signature(cluster).parameters)
    assert names == set(Arguments.__struct_fields__)
    assert names >= {*Request.__struct_fields__, *Extras._fields}
    defaults = {field: getattr(Arguments(), field) for field in Extras._fields}
    assert defaults == Extras._field_defaults


def test_cluster_has_the_arguments_of_the_classes() -> None:
    """All of them, less those that a request says in its own words and those that dask-jobqueue fills in itself."""
    classes = pytest.importorskip("dask_jobqueue")
    kinds = [getattr(classes, name) for name in ("PBSCluster", "SLURMCluster", "SGECluster", "LSFCluster")]
    theirs: Set[str] = set()
    for kind in (kinds[0].__mro__[1], *(kind.job_cls for kind in kinds), kinds[0].job_cls.__mro__[1]):
        theirs.update(inspect.signature(kind.__init__).parameters)
    assert theirs - {"self", "scheduler", "job_kwargs", "base_class_kwargs"} - set(INSTEAD) <= set(Arguments.__struct_fields__)


# --- listing and submitting


def test_sites_are_listed_and_jobs_submitted(tmp_path: Path) -> None:
    assert sites()["mahuika"].name == "mahuika.toml"
    with pytest.raises(SubmitError):
        submit(plan(load("gadi"), Request(program="x.py", account="p", mem="1G", time="1h")), tmp_path / "no-such.sh")


# --- errors


def raised(kind: Any, call: Any) -> Tuple[Problem, ...]:
    with pytest.raises(kind) as caught:
        call()
    error: HpcgenError = caught.value
    assert tuple(one.text for one in error.details) == error.problems
    assert json.loads(error.to_json()) == {
        "error": kind.__name__, "status": error.status, "problems": [one._asdict() for one in error.details],
    }  # fmt: skip
    return error.details


def test_a_limit_is_told_in_parts() -> None:
    (one,) = raised(LimitError, lambda: plan(load("mahuika"), Request(workload="serial", cpus_per_task=999)))
    assert one.limit and one.advice and one.source and one.source.startswith("NeSI support: ")
    found = raised(LimitError, lambda: plan(load("mahuika"), Request(program="x.py", time="60-0")))
    assert found[0][1:3] == ("--time", "60-00:00:00") and found[0].limit == "21-00:00:00"
    assert found[0].advice == "use --time 21-00:00:00"


def test_a_misspelt_value_is_told_in_parts() -> None:
    (one,) = raised(RequestError, lambda: plan(load("local"), Request(time="1x")))
    assert one[1:] == ("--time", "1x", None, None, "write 90m, 2h, 1:30:00 or 1-12:00:00")
    (one,) = raised(SiteError, lambda: load("mahuka"))
    assert one[1:] == ("--site", "mahuka", None, None, "did you mean 'mahuika'?")


@pytest.mark.parametrize(
    "text, parts",
    [
        ("job.toml: time: expected text, got 1.5", ("time", None, None, None, None)),
        ("--directive '-l a: b': it is there: leave it out", ("--directive", "-l a: b", None, None, "leave it out")),
        ("--mem and --tmp exclude each other: give one of them", ("--mem", None, None, None, "give one of them")),
        ("sites/a.toml: nodes.a.mem: 5 MiB on a node: write 5G", ("nodes.a.mem", None, None, None, "write 5G")),
        ("--nodes 9: x [A: b, read 2026-01-02] allows 4 a job: ask for --nodes 4",
         ("--nodes", "9", "4", "A: b, read 2026-01-02", "ask for --nodes 4")),
        ("sbatch: error: it is down", (None, None, None, None, None)),
        ("", (None, None, None, None, None)),
    ],
)  # fmt: skip
def test_a_line_is_read(text: str, parts: Tuple[Optional[str], ...]) -> None:
    (one,) = HpcgenError(text).details
    assert one == (text, *parts)


def test_what_is_known_need_not_be_read() -> None:
    error = HpcgenError(Problem("too many: use fewer", option="--ntasks", limit="4"), "plain\n")
    assert error.problems == ("too many: use fewer", "plain\\n") and str(error) == "too many: use fewer\nplain\\n"
    assert error.details[0] == ("too many: use fewer", "--ntasks", None, "4", None, "use fewer")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"time": -1}, "--time: '-1' is not a time"),
        ({"time": 0}, "--time: '0' is not a positive time"),
        ({"mem": -1}, "--mem: '-1' is not an amount of memory"),
    ],
)
def test_a_wrong_number_is_shown_as_it_was_given(asked: Dict[str, Any], words: str) -> None:
    assert words in raised(RequestError, lambda: plan(load("local"), Request(**asked)))[0].text


def test_a_profile_is_loaded_from_a_path() -> None:
    assert load(TOP / "sites" / "gadi.toml").id == "gadi"
    wrong: Any = None
    assert "None is not a name or path" in raised(SiteError, lambda: load(wrong))[0].text


def test_text_that_is_not_json_is_no_job() -> None:
    with pytest.raises(msgspec.DecodeError):
        Job.from_json("{")
    with pytest.raises(msgspec.ValidationError):
        Job.from_json("{}")
    assert "msgspec.DecodeError" in str(Job.from_json.__doc__)
