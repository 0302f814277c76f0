"""dask-jobqueue from the profile: the real class, made from what was exported, writes the job that the profile means.

Nothing is compared with a text of ours alone: the script of dask-jobqueue and the site's own go through Slurm's parser,
bash runs the prologue and the worker's command, PyYAML reads the file.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

import dask
import dask_jobqueue
import msgspec
import oracle
import pytest
import tiny
import yaml
from distributed.deploy.utils import nprocesses_nthreads
from grammar import gadi, lsf, pbs, sge, torque
from hypothesis import given
from hypothesis import strategies as st

from hpcgen import LimitError, Request, RequestError, SiteError, jobqueue, load, render, schedulers
from hpcgen.base.shell import expanding
from hpcgen.base.units import Memory, Time
from hpcgen.cli import status
from hpcgen.jobqueue import live, texts
from hpcgen.jobqueue.exporting import export
from hpcgen.jobqueue.extras import Extras
from hpcgen.jobqueue.native import BACKENDS, KEYS
from hpcgen.jobqueue.settings import Export
from hpcgen.jobqueue.task import usual_processes
from hpcgen.profiles.listing import listing
from hpcgen.profiles.site import Site

oracle.or_skip()
NO_SRUN = {"launcher": "mpiexec", "pmi": None, "pmi_library": None}


def made_up(kind: str, **dialect: Any) -> Site:
    tables = {kind: {**dialect, "source": "docs"}} if dialect else {}
    return tiny.site(scheduler={"type": kind}, mpi=NO_SRUN, **tables)


# Beside the sites that there are, one of each way in which a scheduler is spoken to.
WAYS: Dict[str, Dict[str, Any]] = {
    "chunks": {"kind": "pbs"},
    "totals": {
        "kind": "pbs", "style": "totals", "account": "-P", "workdir": "-l wd", "resources": {"storage": "scratch/{account}1"},
    },
    "torque": {"kind": "pbs", "style": "nodes-ppn"},
    "slots": {"kind": "sge", "pe_one": "smp", "memory": "h_vmem"},
    "slots by node": {
        "kind": "sge", "pe_one": "smp", "shell": "shebang", "account": "-A", "memory": "mem", "memory_per": "node",
    },
    "lsf": {"kind": "lsf", "memory_unit": "MB", "limit_per": "job"},
    "lsf with affinity": {"kind": "lsf", "cpus": "affinity", "account": "-G", "memory_per": "slot"},
}  # fmt: skip
SITES = {name: load(name) for name in listing()}
SITES.update({name: made_up(**way) for name, way in WAYS.items() if way["kind"] in schedulers.names()})
# What qsub takes on its command line alone, no configuration says. Of whole nodes more is had than was asked for.
SPOKEN = sorted(
    name for name, site in SITES.items() if site.scheduler.type in BACKENDS and getattr(site.dialect, "account", "") != "-g"
)
WHOLE = {"derecho", "polaris", "summit"}
ADDRESS = "tcp://<insert-scheduler-address-here>:8786"


@contextmanager
def own_configuration() -> Iterator[None]:
    """Dask's configuration is the same after it as before."""
    with dask.config.set({}):
        held = json.loads(json.dumps(dask.config.config, default=str))
        yield
    dask.config.config.clear()
    dask.config.config.update(held)


@pytest.fixture(autouse=True)
def configuration_of_its_own() -> Iterator[None]:
    with own_configuration():
        yield


def request(site: Site, **more: Any) -> Request:
    """Small enough for any site's smallest node."""
    values: Dict[str, Any] = {"workers": 2, "cpus_per_worker": 2, "mem": Memory(4096), "time": Time(1800), "account": "abc"}
    values.update(more)
    return Request(**{name: value for name, value in values.items() if value is not None})


def theirs(found: Export, section: str = "") -> Any:
    """A job of the real class, which knows of the export what stands in Dask's configuration and no more."""
    text = texts.yaml(found._replace(section=section or found.section))
    dask.config.update(dask.config.config, yaml.safe_load(text))
    kind = getattr(dask_jobqueue, found.cluster)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return kind.job_cls(ADDRESS, name="dummy", config_name=section or found.section)


def directives(script: str, prefix: str) -> List[str]:
    return [line for line in script.splitlines() if line.startswith(prefix)]


CASES: Dict[str, Dict[str, Any]] = {
    "plain": {},
    "nothing asked": {"workers": None, "cpus_per_worker": None, "mem": None, "time": None},
    "one worker": {"workers": None, "cpus_per_worker": 3},
    "whole task": {"workers": None, "cpus_per_worker": None, "cpus_per_task": 6},
    "memory by CPU": {"mem": None, "mem_per_cpu": Memory(1536)},
    "odd memory": {"mem": Memory(1537)},
    "days": {"time": Time(86400 + 3661 - 1)},
    "words": {"job_name": "my job #1", "comment": "it's a \"test\" 100%", "output": "logs/%x-%j.out", "mail_type": "END"},
    "conda": {"conda": "my env", "env": {"A": "x y'z", "OMP_NUM_THREADS": "3"}},
    "container": {"image": "~/my image.sif", "bind": ("/data",)},
    "features": {"constraint": "a&b", "exclude": "n[1-3]", "requeue": False},
}


# What other schedulers than Slurm have no word for.
SLURM_ONLY = {
    "words": {"job_name": "my-job", "output": None, "comment": None},
    "features": {"constraint": None, "exclude": None, "requeue": False},
}


def asked(site: Site, name: str) -> Request:
    wanted = {**CASES[name], **({} if site.scheduler.type == "slurm" else SLURM_ONLY.get(name, {}))}
    if "image" in wanted and site.container.wrapper:  # which may read the name word by word
        wanted["image"] = "~/my_image.sif"
    return request(site, **wanted)


def case(site: Site, name: str) -> Export:
    try:
        return export(site, asked(site, name))
    except LimitError:  # a day is more than some sites' only partition allows
        return export(site, msgspec.structs.replace(asked(site, name), time=Time(1800)))


class Made(NamedTuple):
    """One case of a site: the export, its file, and the script that the real class makes from it."""

    found: Export
    text: str
    script: str


@cache
def made(site: str, name: str) -> Made:
    """Made once for all tests that look at it: each export renders the site's script."""
    found = case(SITES[site], name)
    with own_configuration():
        return Made(found, texts.yaml(found), theirs(found).job_script())


@contextmanager
def saying(name: str) -> Iterator[None]:
    """Which case of a site it was that went wrong."""
    try:
        yield
    except Exception as why:
        raise AssertionError(f"case '{name}': {why}") from why


def understood(site: Site, script: str) -> Any:
    """What the site's scheduler takes a script for: by Slurm's own parser, or by those of tests/grammar."""
    kind, table = site.scheduler.type, site.dialect
    if kind == "slurm":
        return oracle.sbatch(script)
    own = {name: "job" for name in getattr(table, "resources", {})}
    if kind == "pbs" and table.style == "totals":
        return gadi.parse(script)
    if kind == "pbs" and table.style == "nodes-ppn":
        return torque.parse(script, own)
    if kind == "pbs":
        return pbs.parse(script, {**own, **dict.fromkeys((chunk.partition("=")[0] for chunk in table.chunk), "chunk")})
    if kind == "sge" and table.style == "node-types":
        return sge.parse(script, {**dict.fromkeys(own, "STRING"), **dict.fromkeys(site.partitions, "INT")})
    if kind == "sge":
        return sge.parse(script, {**dict.fromkeys(own, "STRING"), str(table.memory): "MEMORY"}, table.memory or "h_vmem")
    return lsf.parse(script, table.memory_unit or "KB")


# --- what is submitted

@pytest.mark.parametrize("site", SPOKEN)
def test_the_scheduler_understands_the_site_s_own_job(site: str) -> None:
    for name in CASES:
        with saying(name):
            check_understood(site, *made(site, name))


def check_understood(site: str, found: Export, _: str, script: str) -> None:
    own, other = understood(SITES[site], render(found.job)), understood(SITES[site], script)
    assert other == own
    assert len(own.components) == 1 and not getattr(own, "errors", [])
    prefix = str(schedulers.get(found.job.scheduler).directive)
    lines = [re.split(r"[ =]", line[len(prefix) + 1 :]) for line in directives(script, prefix)]
    options = [tuple(words[:2]) if words[0] in ("-l", "-W", "-R") else words[0] for words in lines]
    assert len(set(options)) == len(options), "said twice"


@pytest.mark.parametrize("site", [name for name in SPOKEN if SITES[name].scheduler.type == "slurm"])
def test_slurm_understands_what_was_asked(site: str) -> None:
    """Beside the plan, which might be wrong in the same way twice."""
    found = export(SITES[site], request(SITES[site], workers=3, mem=Memory(1537), comment="a b", job_name="dw"))
    told = oracle.sbatch(theirs(found).job_script()).components[0]
    assert {key: told.get(key) for key in ("cpus-per-task", "ntasks", "account", "time", "comment", "job-name")} == {
        "cpus-per-task": "6", "ntasks": "1", "account": "abc", "time": "00:30:00", "comment": "a b", "job-name": "dw",
    }  # fmt: skip
    assert told["mem"] == "1537"


@pytest.mark.parametrize("site", [n for n in SPOKEN if SITES[n].scheduler.type != "slurm" and n not in WHOLE])
def test_the_others_understand_what_was_asked(site: str) -> None:
    found = export(SITES[site], request(SITES[site], workers=3, mem=Memory(1536), job_name="dw"))
    told = understood(SITES[site], theirs(found).job_script())
    assert (told.name, told.walltime, {"abc"} & {told.account, told.project, *told.extra.values(), *found.command_line}) == (
        "dw", 1800, {"abc"},
    )  # fmt: skip
    part, given = told.components[0], found.job.components[0]
    if given.whole_node_cpus is None and getattr(SITES[site].dialect, "style", "") not in ("nodes", "node-types"):
        assert part.count * (part.cpus or 1) == 6
    of_node = getattr(SITES[site].dialect, "memory_per", "") == "node"
    if told.mem_mib or part.mem_mib:  # not every site wants to hear of it
        assert (told.mem_mib or (1 if of_node else part.count) * part.mem_mib) == 1536


# --- what is run

STUB = """#!/bin/bash
printf '%s\\0' "$0" "$@" >> "$SEEN"; printf 'OMP=%s\\0\\1' "$OMP_NUM_THREADS" >> "$SEEN"
"""


def run(script: str, tmp_path: Path, **env: str) -> Tuple[List[str], str]:
    """The worker's argv and its OMP_NUM_THREADS, as bash runs the script."""
    stubs = tmp_path / "bin"
    stubs.mkdir()
    for name in ("python", "apptainer", "singularity", "/opt/my python"):
        path = stubs / name.lstrip("/").replace("/", "_")
        path.write_text(STUB)
        path.chmod(0o755)
    for name in ("/opt/my python",):
        script = script.replace(name, str(stubs / name.lstrip("/").replace("/", "_")))
    seen = tmp_path / "seen"
    told = {"PATH": f"{stubs}:/usr/bin:/bin", "HOME": "/home/me", "SEEN": str(seen), "LC_ALL": "C.UTF-8", **env}
    functions = "module() { :; }\n"
    done = subprocess.run(["bash", "-c", functions + script], env=told, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    argv, _, threads = seen.read_text().rstrip("\1").rstrip("\0").rpartition("\0OMP=")
    return [os.path.basename(argv.split("\0")[0]), *argv.split("\0")[1:]], threads


def options(argv: List[str]) -> Dict[str, str]:
    at = argv.index("distributed.cli.dask_worker")
    assert argv[at + 1] == ADDRESS.partition("<")[0] + "<insert-scheduler-address-here>:8786"
    rest = argv[at + 2 :]
    return dict(zip(rest[::2], rest[1::2])) if "--nanny" not in rest else options_after(rest)


def options_after(rest: List[str]) -> Dict[str, str]:
    rest = [word for word in rest if word != "--nanny"]
    assert len(rest) % 2 == 0, rest
    return dict(zip(rest[::2], rest[1::2]))


def runnable(script: str) -> str:
    """The placeholder of the address is no word of bash's."""
    return script.replace(ADDRESS, shlex.quote(ADDRESS))


def test_the_worker_is_started_as_asked(tmp_path: Path) -> None:
    site = tiny.site(storage={"local": "$TMPDIR", "source": "docs"}, network={"interface": "ib0", "source": "docs"})
    asked = request(site, workers=4, cpus_per_worker=3, mem=Memory(6144), python="/opt/my python", env={"A": "it's"})
    found = export(site, asked, Extras(worker_args=("--lifetime", "50 minutes; touch x"), death_timeout=90))
    argv, threads = run(runnable(theirs(found).job_script()), tmp_path, TMPDIR="/jobfs/1 2")
    assert argv[0] == "opt_my python" and argv[1] == "-m"
    told = options(argv)
    assert told.pop("--name") == "dummy"
    assert told == {
        "--nthreads": "3", "--nworkers": "4", "--memory-limit": "1.50GiB", "--death-timeout": "90",
        "--local-directory": "/jobfs/1 2", "--lifetime": "50 minutes; touch x", "--interface": "ib0",
    }  # fmt: skip
    assert threads == "1"


def test_the_variable_is_the_job_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Dask's reading of its configuration nor dask-jobqueue puts in the value that holds where it is read."""
    monkeypatch.setenv("TMPDIR", "/of/the/login/node")
    found = export(tiny.site(), request(tiny.site(), local_directory="$TMPDIR/dask"))
    (tmp_path / "jobqueue.yaml").write_text(texts.yaml(found))
    held = dask.config.collect(paths=[str(tmp_path)], env={})
    assert held["jobqueue"]["slurm"]["local-directory"] == '"$TMPDIR/dask"'
    script = runnable(theirs(found).job_script())
    assert "login" not in script
    (tmp_path / "run").mkdir()
    argv, _ = run(script.replace(" -m ", " -m ", 1).replace(sys.executable, "python"), tmp_path / "run", TMPDIR="/jobfs/7")
    assert options(argv)["--local-directory"] == "/jobfs/7/dask"


def test_a_variable_that_is_not_set_takes_no_option_with_it(tmp_path: Path) -> None:
    found = export(tiny.site(), request(tiny.site(), interface="ib0", python="python", local_directory="$NONE"))
    told = options(run(runnable(theirs(found).job_script()), tmp_path)[0])
    assert (told["--local-directory"], told["--interface"]) == ("", "ib0")


@pytest.mark.parametrize("text, word", [
    ("/tmp", "/tmp"), ("$TMPDIR", '"$TMPDIR"'), ("${A}/b c", '"${A}/b c"'), ("~/x", '"$HOME/x"'), ("a b", "'a b'"),
    ("$(touch x)/$A", '"\\$(touch x)/$A"'),
    ("`x`$A\\\"", '"\\`x\\`$A\\\\\\""'), ("$1$A", '"\\$1$A"'), ("${A:-$(x)}", '"\\${A:-\\$(x)}"'),
])  # fmt: skip
def test_only_variables_expand(text: str, word: str) -> None:
    assert expanding(text) == word
    env = {"A": "aa", "TMPDIR": "/t", "HOME": "/home/me", "PATH": "/nowhere"}
    done = subprocess.run(["/bin/bash", "-c", f"printf '%s' {word}"], env=env, capture_output=True, text=True)
    plain = re.sub(r"\$(\w+)|\$\{(\w+)\}", lambda m: env.get(m[1] or m[2], m[0]), text.replace("~", "$HOME"))
    assert (done.stdout, done.stderr) == (plain, "")


def test_disk_that_must_be_asked_for() -> None:
    site = tiny.site(scheduler={"type": "pbs"}, mpi=NO_SRUN, pbs={"disk": "jobfs", "source": "docs"},
                     storage={"local": "$PBS_JOBFS", "source": "docs"})  # fmt: skip
    note = "workers spill to $PBS_JOBFS, and --tmp sets its size: give --tmp 100G, or --local-directory"
    assert note in export(site, request(site)).notes
    assert note not in export(site, request(site, tmp=Memory(1024))).notes


@pytest.mark.parametrize("site", SPOKEN)
def test_the_prologue_is_the_script_s(site: str) -> None:
    """Every line of the site's script between its directives and its launch, in order, and nothing else."""
    for name in CASES:
        with saying(name):
            check_prologue(site, *made(site, name))


def check_prologue(site: str, found: Export, _: str, made_script: str) -> None:
    held = dict((key, value) for key, value, _ in found.settings)
    lines = [line for line in render(found.job).splitlines() if line and not line.startswith("#")]
    assert lines[:-1] == held["job-script-prologue"]
    script = made_script.splitlines()
    at = script.index(lines[0])
    assert script[at : at + len(lines) - 1] == lines[:-1]
    assert script[0] == f"#!{SITES[site].shell.shebang}"
    text = runnable("\n".join(script))
    checked = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr


def test_a_container_runs_the_workers() -> None:
    found = export(SITES["mahuika"], request(SITES["mahuika"], image="my image.sif", gpus="1"))
    job = theirs(found)
    command = job.job_script().splitlines()[-1]
    assert command.startswith("apptainer exec --nv 'my image.sif' python -m distributed.cli.dask_worker tcp://")


def test_without_an_environment_it_is_the_notebook_s_python() -> None:
    site = tiny.site()
    assert f"{sys.executable} -m distributed" in theirs(export(site, request(site))).job_script()
    assert "\npython -m distributed" in theirs(export(site, request(site, conda="x"))).job_script()


# --- the pages that it takes the place of

def test_eagle_s_page_comes_out() -> None:
    """NREL's page: cores=18, memory='24GB', queue, project, walltime, interface, processes=18."""
    page = dask_jobqueue.SLURMCluster.job_cls(
        ADDRESS, name="dummy", cores=18, memory="24GB", queue="short", account="hpcapps", walltime="00:30:00", interface="ib0",
        processes=18,
    ).job_script()  # fmt: skip
    asked = Request(workers=18, cpus_per_worker=1, mem=Memory(23 * 1024), partition="short", account="hpcapps", time=Time(1800))
    ours = theirs(export(SITES["eagle"], asked)).job_script()
    assert sorted(directives(ours, "#SBATCH")) == sorted(directives(page, "#SBATCH"))
    assert oracle.sbatch(ours) == oracle.sbatch(page)
    # 24GB is 24 * 10^9 bytes to Dask, of which Slurm is asked for 23G; the workers of the page have a share of the former
    then, now = (options_of(script) for script in (page, ours))
    assert (then.pop("--memory-limit"), now.pop("--memory-limit")) == ("1.24GiB", "1.28GiB")
    assert now == {**then, "--local-directory": "/tmp/scratch"}


def options_of(script: str) -> Dict[str, str]:
    return options(shlex.split(script.splitlines()[-1]))


def test_where_scripts_run_beside_the_compute_nodes() -> None:
    """Summit's: what the script itself runs is on a node of its own, for all."""
    if "summit" not in SITES:
        pytest.skip("no profile of Summit")
    command = theirs(export(SITES["summit"], request(SITES["summit"]))).job_script().splitlines()[-1]
    assert re.match(r"jsrun -n 1 -a 1 -c 4 .*python -m distributed\.cli\.dask_worker tcp://", command)


def test_gadi_s_page_comes_out() -> None:
    """NCI's page, but for the memory: its 192GB are what is built in, of which PBS gives 190."""
    if "gadi" not in SITES:
        pytest.skip("no profile of Gadi")
    modules = ["module load python3/3.11.0", "module load cmake/3.16.2"]
    environment = "/scratch/abc/Training-Venv/parallel_python"
    page = dask_jobqueue.PBSCluster.job_cls(
        ADDRESS, name="dummy", walltime="00:20:00", cores=48, memory="190GiB", shebang="#!/usr/bin/env bash",
        job_extra_directives=["-q normal", "-P vp91", "-l ncpus=48", "-l mem=190GB"], local_directory="$TMPDIR",
        job_directives_skip=["select"], interface="ib0", job_script_prologue=[*modules, f"source {environment}/bin/activate"],
        python=f"{environment}/bin/python3",
    ).job_script()  # fmt: skip
    asked = Request(
        cpus_per_task=48, mem=Memory(190 * 1024), partition="normal", account="vp91", time=Time(1200), venv=environment,
        module=("python3/3.11.0", "cmake/3.16.2"), python=f"{environment}/bin/python3", local_directory="$TMPDIR",
    )  # fmt: skip
    ours = theirs(export(SITES["gadi"], asked)).job_script()
    then, now = gadi.parse(page).said(), gadi.parse(ours).said()
    # the page leaves out what Gadi's users must add: file systems, the folder to start in; and has two files of output
    assert now.pop("extra") == {"storage": "gdata/vp91+scratch/vp91"}
    assert (now.pop("workdir"), now.pop("joined")) == (".", "oe")
    assert now == then
    assert options_of(ours) == options_of(page.replace(" $TMPDIR ", " '$TMPDIR' "))
    lines = ours.splitlines()
    assert [line for line in lines if line.startswith("module")] == modules and f". {environment}/bin/activate || exit" in lines


# --- the file

WILD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(WILD)
def test_any_text_comes_back_from_yaml(value: str) -> None:
    assert yaml.safe_load(f"a: {texts.scalar(value)}  # x") == {"a": value}
    assert "\n" not in texts.scalar(value)


TRAPS = ("00:30:00", "no", "0123", "1e3", "null", "~", "", "a: b", "# x", "- a", "'", '"', "\\", "\x85", "\u2028", "😀", "é")


@pytest.mark.parametrize("value", TRAPS)
def test_what_yaml_would_read_as_something_else(value: str) -> None:
    assert yaml.safe_load(f"- {texts.scalar(value)}") == [value]


@pytest.mark.parametrize("site", SPOKEN)
def test_the_file_holds_the_configuration(site: str) -> None:
    for name in CASES:
        with saying(name):
            check_file(*made(site, name))


def check_file(found: Export, text: str, _: str) -> None:
    held = yaml.safe_load(text)
    assert held == {"jobqueue": {found.section: {key: value for key, value, _ in found.settings}}}
    assert json.loads(texts.as_json(found)) == {"cluster": found.cluster, **held}


# Every site with a case, and every case with a site of each kind.
KINDS = {SITES[site].scheduler.type: site for site in SPOKEN}
PAIRS = sorted({*((site, "words") for site in SPOKEN), *((site, name) for site in KINDS.values() for name in CASES)})


@pytest.mark.parametrize("site", SPOKEN)
def test_the_configuration_is_the_file_s(site: str) -> None:
    for name in [name for at, name in PAIRS if at == site and name != "days"]:
        with saying(name):
            _, text, _ = made(site, name)
            assert yaml.safe_load(text) == jobqueue.configuration(SITES[site], asked(SITES[site], name))



@pytest.mark.parametrize("site", SPOKEN)
def test_every_value_says_where_it_comes_from(site: str) -> None:
    found, text, _ = made(site, "conda")
    for line in text.partition("    # Not in use")[0].partition(f"\n  {found.section}:\n")[2].splitlines():
        assert "  # " in line or line.endswith(":"), line


@pytest.mark.parametrize("site", SPOKEN)
def test_the_python_snippet_makes_the_same_jobs(site: str, tmp_path: Path) -> None:
    found, _, script = made(site, "words")
    text = texts.python(found)
    space: Dict[str, Any] = {}
    kind = type("Cluster", (), {"__init__": lambda self, **values: self.__dict__.update(values)})
    text = text.replace("from dask_jobqueue import", "from stand_in import")
    exec(compile(text, "snippet", "exec"), stand_in(kind, found.cluster, space))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        job = getattr(dask_jobqueue, found.cluster).job_cls(ADDRESS, name="dummy", **vars(space["cluster"]))
    assert job.job_script() == script


def stand_in(kind: Any, name: str, space: Dict[str, Any]) -> Dict[str, Any]:
    module = type(sys)("stand_in")
    setattr(module, name, kind)
    sys.modules["stand_in"] = module
    return space


@pytest.mark.parametrize("site", SPOKEN)
def test_a_section_of_its_own_is_complete(site: str) -> None:
    """dask-jobqueue fails at a key that is missing, and warns of older names; nothing of its defaults is behind this one."""
    found, _, script = made(site, "plain")
    assert theirs(found, "of-mine").job_script() == script


@pytest.mark.parametrize("scheduler", sorted(BACKENDS))
def test_the_keys_are_dask_jobqueue_s(scheduler: str) -> None:
    text = (Path(dask_jobqueue.__file__).parent / "jobqueue.yaml").read_text()
    known = yaml.safe_load(text)["jobqueue"][BACKENDS[scheduler].section]
    assert set(BACKENDS[scheduler].all_keys) == set(known)
    assert len(KEYS) == len(set(KEYS))


# --- the rules that are dask-jobqueue's

def test_workers_as_dask_would_choose_them() -> None:
    cores = range(1, 300)
    assert [usual_processes(count) for count in cores] == [nprocesses_nthreads(count)[0] for count in cores]


@pytest.mark.parametrize("mib", [1, 512, 1023, 1024, 1025, 1536, 23 * 1024, 1048576, 1048577])
def test_memory_is_never_rounded(mib: int) -> None:
    site = tiny.site(nodes={"fat": {"cores": 32, "mem": "9T", "source": "docs"}})
    found = export(site, request(site, mem=Memory(mib)))
    job = theirs(found)
    assert job.worker_memory == mib * 2**20
    told = oracle.sbatch(job.job_script()).components[0]["mem"]
    number, unit = re.fullmatch(r"(\d+)([MGT]?)", told).groups()  # type: ignore[union-attr]
    assert int(number) * {"": 1, "M": 1, "G": 1024, "T": 1024**2}[unit] == mib


def test_memory_stays_the_program_s_to_change() -> None:
    """Where dask-jobqueue writes the same from `memory` and `cores`, no key stands in the way of theirs."""
    values = dict((key, value) for key, value, _ in export(tiny.site(), request(tiny.site())).settings)
    assert (values["job-mem"], values["job-cpu"]) == (None, None)
    assert (values["job-directives-skip"], values["job-extra-directives"]) == ([], [])


@pytest.mark.parametrize("job_name", ["-J ", "#SBATCH", "--mem=", "a-n 1", "select"])
def test_skipping_takes_its_own_line_alone(job_name: str) -> None:
    """job-directives-skip takes every line that contains the text: also a name's."""
    asked = request(tiny.site(), job_name=job_name, mem=None, mem_per_cpu=Memory(1024))
    lines = directives(theirs(export(tiny.site(), asked)).job_script(), "#SBATCH")
    assert len(lines) == len(directives(render(export(tiny.site(), asked).job), "#SBATCH"))


def test_threads_that_share_their_worker_s_cpus() -> None:
    found = export(tiny.site(), request(tiny.site(), workers=2, cpus_per_worker=4, threads_per_worker=2))
    job = theirs(found)
    assert (job.worker_cores, job.worker_processes, job.worker_process_threads) == (4, 2, 2)
    assert oracle.sbatch(job.job_script()).components[0]["cpus-per-task"] == "8"
    assert "export OMP_NUM_THREADS=2" in job.job_script()


@pytest.mark.parametrize("whole, key", [(True, "ncpus"), (True, "mpiprocs"), (False, "mpiprocs")])
def test_memory_of_nodes_whose_site_does_not_want_to_hear_of_it(whole: bool, key: str) -> None:
    """Polaris gives whole nodes and takes no memory: Dask has all of the node, and not the share of a CPU."""
    table = {"pbs": {"chunk_keys": [key], "source": "docs"}}
    site = tiny.site(scheduler={"type": "pbs", **({"whole_nodes": "always"} if whole else {})}, mpi=NO_SRUN, **table)
    found = export(site, request(site, mem=None, partition="big"))
    assert "mem" not in "".join(directives(theirs(found).job_script(), "#PBS"))
    assert theirs(found).worker_memory == 512 * 2**30 // (1 if whole else 8)


def test_memory_of_shared_nodes_whose_cpus_are_counted() -> None:
    """Derecho's develop: only whole nodes come with all their memory, so a part of one asks, and Dask has what it asks for."""
    site = tiny.site(scheduler={"type": "pbs"}, mpi=NO_SRUN, pbs={"chunk_keys": ["ncpus"], "source": "docs"})
    found = theirs(export(site, request(site, mem=None, partition="big")))
    assert "-l select=1:ncpus=4:mem=4gb" in found.job_script() and found.worker_memory == 4 * 2**30


def test_all_of_a_node_s_memory() -> None:
    found = export(tiny.site(), request(tiny.site(), mem=Memory(0), partition="big"))
    assert theirs(found).worker_memory == 512 * 2**30
    assert oracle.sbatch(theirs(found).job_script()).components[0]["mem"].startswith("0")


def test_memory_that_the_site_does_not_want_to_hear_of() -> None:
    site = tiny.site(scheduler={"omit": ["memory"]})
    found = export(site, request(site, mem=None, partition="big"))
    assert theirs(found).worker_memory == 512 * 2**30 * 4 // 32
    assert "--mem" not in "".join(directives(theirs(found).job_script(), "#SBATCH"))
    assert theirs(export(site, request(site))).worker_memory == 4 * 2**30


# --- refusals

REFUSED = {
    "--hetjob": {"hetjob": True},
    "program: ": {"program": "x.py"},
    "--workload": {"workload": "mpi"},
    "--array": {"array": "1-3"},
    "--nodes 2: each job is one task on one node: for more jobs, use cluster.scale(jobs=4)": {"nodes": 2},
    "--ntasks 4": {"ntasks": 4, "workers": None},
    "--workers 0": {"workers": 0},
    "--workers 4: 4 workers do not divide 6 CPUs: use 1, 2, 3 or 6": {
        "workers": 4, "cpus_per_worker": None, "cpus_per_task": 6,
    },
    "--cpus-per-task 6: it does not match 2 workers with 2 CPUs each": {"cpus_per_task": 6},
    "--interface: 'ib0;x' is not one": {"interface": "ib0;x"},
    "--interface ib0|x: not the name of a network interface": {"interface": "ib0|x"},
    "--runner: dask-jobqueue starts the workers": {"runner": "local"},
    "--worker-class: dask-jobqueue starts a nanny": {"worker_class": "a.B"},
    "--threads-per-worker 3: 3 threads do not divide 2 CPUs: use 1 or 2": {"threads_per_worker": 3},
    "--python a=b: dask-jobqueue cannot use it": {"python": "a=b"},
    "is not UTF-8": {"env": {"A": "\udc80"}},
    "--time 5-00:00:00": {"time": Time(5 * 86400)},
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str) -> None:
    with pytest.raises(RequestError) as caught:
        export(tiny.site(), request(tiny.site(), **REFUSED[message]))
    assert message in str(caught.value)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("message, extras", [
    ("--section a.b: not a valid name", {"section": "a.b"}),
    ("--log-directory ~/logs: neither", {"log_directory": "~/logs"}),
    ("--log-directory a b: neither", {"log_directory": "a b"}),
    ("--scheduler-interface a;b: not the name", {"scheduler_interface": "a;b"}),
    ("--death-timeout: 0", {"death_timeout": 0}),
    ("--death-timeout: '60'", {"death_timeout": "60"}),
    ("--worker-arg: '--x' is not a list", {"worker_args": "--x"}),
    ("--log-dir: no such option – did you mean 'log_directory'?", {"log_dir": "x"}),
])  # fmt: skip
def test_extras_refused(message: str, extras: Dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        jobqueue.configuration(tiny.site(), request(tiny.site()), **extras)
    assert message in str(caught.value)


def test_where_there_is_no_class() -> None:
    with pytest.raises(RequestError, match=r"^--site local: there is no scheduler: use dask\.distributed\.LocalCluster"):
        export(SITES["local"], Request())
    for kind in ("oar", "htcondor"):
        with pytest.raises(SiteError, match=f"scheduler.type: unknown scheduler '{kind}'"):
            tiny.site(scheduler={"type": kind})


# --- the command

def test_the_command_prints_the_file_and_nothing_else(capfdbinary: Any) -> None:
    words = ["dask-jobqueue", "--site", "eagle", "--account", "a", "--workers", "2"]
    words += ["--worker-arg=--lifetime=50m", "--worker-arg", "x y"]
    assert status(words) == 0
    printed = capfdbinary.readouterr()
    held = yaml.safe_load(printed.out)["jobqueue"]["slurm"]
    assert held["worker-extra-args"] == ["--lifetime=50m", "'x y'"]
    assert b"assumed: 1 CPU per worker (--cpus-per-worker), 1G per CPU (--mem-per-cpu), 60 minutes (--time)" in printed.err
    # the line that says how it was made makes it again
    made_by = re.search(rb"# made by: hpcgen (.*)\n", printed.out)
    assert made_by and status(shlex.split(made_by[1].decode())) == 0
    assert capfdbinary.readouterr().out == printed.out


def test_the_command_writes_a_file(tmp_path: Path, capfd: Any) -> None:
    place = tmp_path / "jobqueue.yaml"
    words = ["dask-jobqueue", "--site", "mahuika", "-w", str(place), "--log-directory", "logs", "--section", "mahuika"]
    assert status(words) == 0 and status(words) == 0
    assert yaml.safe_load(place.read_text())["jobqueue"]["mahuika"]["log-directory"] == "logs"
    assert place.stat().st_mode & 0o111 == 0
    place.write_text("jobqueue: {}\n")
    capfd.readouterr()
    assert status(words) == 2
    assert "hpcgen did not write it" in capfd.readouterr().err


@pytest.mark.parametrize("words, message", [
    (["--format", "yml"], "unknown format 'yml' – did you mean 'yaml'?"),
    (["--site", "local"], "use dask.distributed.LocalCluster"),
    (["--death-timeout", "soon"], "death-timeout"),
    (["--cores", "4"], "--cores"),
])  # fmt: skip
def test_the_command_refuses(words: List[str], message: str, capfd: Any) -> None:
    site = [] if "--site" in words else ["--site", "mahuika"]
    assert status(["dask-jobqueue", *site, *words]) == 2
    said = capfd.readouterr()
    assert message in said.err and said.out == "" and len(said.err.splitlines()) == 1


@pytest.mark.parametrize("site", SPOKEN)
def test_logs_go_to_the_folder_alone(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = export(SITES[site], request(SITES[site]), Extras(log_directory="logs"))
    script = theirs(found).job_script()
    understood(SITES[site], script)  # which refuses what is said twice
    lines = directives(script, str(schedulers.get(found.job.scheduler).directive))
    where = [line for line in lines if re.search(" -[oe] ", line)]
    assert len(where) == 2 and all(" logs/" in line for line in where)


def test_logs_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = export(tiny.site(), request(tiny.site()), Extras(log_directory="logs"))
    told = oracle.sbatch(theirs(found).job_script()).components[0]
    assert (tmp_path / "logs").is_dir()
    assert (told["output"], told["error"]) == ("/tmp/logs/dask-worker-%J.out", "/tmp/logs/dask-worker-%J.err")


# --- what is loaded, and when

BLOCKED = "import sys; sys.modules['yaml'] = sys.modules['dask'] = sys.modules['dask_jobqueue'] = None; "


def test_the_command_needs_neither_dask_nor_yaml() -> None:
    code = BLOCKED + "from hpcgen.cli import main; main(['dask-jobqueue', '--site', 'mahuika'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "jobqueue:" in done.stdout, done.stderr


def test_a_cluster_without_dask_is_refused_in_a_line() -> None:
    code = BLOCKED + "from hpcgen import jobqueue; jobqueue.cluster('mahuika')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "RequestError: dask_jobqueue is not installed: run pip install 'hpcgen[dask]'" in done.stderr


# --- values that are out to do harm

NASTY = (
    "\ntouch CANARY\n", "$(touch CANARY)", "`touch CANARY`", "x; touch CANARY; #", "'; touch CANARY; '", "x|touch CANARY",
    "%(x)s %s", "x\"; touch CANARY; \"", "${A:-$(touch CANARY)}", "&{touch,CANARY}",
)  # fmt: skip
WHERE = (
    "job_name", "comment", "output", "chdir", "conda", "venv", "userbase", "python", "image", "module", "env", "interface",
    "local_directory", "worker_args", "scheduler_interface", "log_directory", "account", "directive",
)  # fmt: skip
TOKENS = ("account", "interface", "scheduler_interface", "log_directory", "module", "directive")


@pytest.mark.parametrize("field", WHERE)
def test_nothing_is_run_that_stands_in_a_value(field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script that dask-jobqueue submits, run by bash: refused here, or the words of an argument there."""
    monkeypatch.chdir(tmp_path)
    made = 0
    for value in NASTY:
        given: Any = (value,) if field in ("module", "worker_args", "directive") else {"A": value} if field == "env" else value
        extras = {field: given} if field in Extras._fields else {}
        try:
            found = export(tiny.site(), request(tiny.site(), **({} if extras else {field: given})), Extras.of(extras))
        except RequestError:
            continue
        script = runnable(theirs(found).job_script())
        quiet = "module() { :; }; conda() { :; }; srun() { :; }\n"
        env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        subprocess.run(["bash", "-c", quiet + script.replace(sys.executable, ":")], env=env, cwd=tmp_path, capture_output=True)
        assert not list(tmp_path.rglob("*CANARY*")), value
        made += 1
    assert made or field in TOKENS, "all were refused"


# --- a live cluster, without a job

def alive(site: str, **arguments: Any) -> Any:
    arguments = {"scheduler_options": {"dashboard_address": ":0"}, "scheduler_interface": "lo", **arguments}
    return jobqueue.cluster(site, asynchronous=True, account="abc", **arguments)


def test_a_live_cluster() -> None:
    async def work() -> Tuple[str, Any, List[str]]:
        async with alive("eagle", workers=4, cpus_per_worker=2, mem="24G", time=5400, death_timeout=30) as cluster:
            return cluster.job_script(), cluster.new_spec, [cluster.scheduler_address]

    script, spec, address = asyncio.run(work())
    told = oracle.sbatch(script).components[0]
    assert (told["time"], told["mem"], told["cpus-per-task"], told["account"]) == ("01:30:00", "24G", "8", "abc")
    assert address[0].startswith("tcp://127.0.0.1:") and address[0] in script
    # what dask-jobqueue looks for among the arguments alone: adapt() and scale(cores=…) would go wrong without
    assert spec["group"] == ["-0", "-1", "-2", "-3"] and spec["options"]["cores"] == 8 and spec["options"]["memory"] == "24 GiB"
    assert "--interface ib0" in script


def test_two_clusters_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a person's own configuration reach them, which stands in the section that all read."""
    dask.config.set({"jobqueue.slurm.queue": "mine", "jobqueue.slurm.walltime": "09:00:00"})

    async def work() -> List[str]:
        async with alive("eagle", time="1h") as one, alive("eagle", time="2h", partition="short") as two:
            return [one.job_script(), two.job_script()]

    first, second = asyncio.run(work())
    assert "-t 01:00:00" in first and " -p " not in first
    assert "-t 02:00:00" in second and "-p short" in second


def test_a_live_cluster_listens_on_what_is_there() -> None:
    """Where the site says which to try on a host that has not got the compute nodes' interface."""
    found = export(tiny.site(network={"interface": "ib9", "fallback": ["ib8", "lo"], "source": "docs"}), request(tiny.site()))

    async def work() -> Tuple[str, str]:
        async with live.alive(found, {"asynchronous": True, "scheduler_options": {"dashboard_address": ":0"}}) as cluster:
            return cluster.scheduler_address, cluster.job_script()

    address, script = asyncio.run(work())
    assert address.startswith("tcp://127.0.0.1:") and "--interface ib9" in script


def test_a_live_cluster_refuses_an_interface_that_is_not_here() -> None:
    with pytest.raises(
        RequestError, match=r"^interface ib0: Dask's scheduler must listen on this machine, which has only .*lo: use scheduler_"
    ):
        jobqueue.cluster("eagle", account="abc")
    found = export(tiny.site(network={"interface": "ib9", "fallback": ["lo"], "source": "docs"}), request(tiny.site()))
    with pytest.raises(RequestError, match=r"^interface mine: .* must listen on this machine"):
        live.alive(found, {"scheduler_options": {"interface": "mine"}})


@pytest.mark.parametrize("name, instead", [("memory", "mem"), ("walltime", "time"), ("cores", "cpus_per_task")])
def test_arguments_that_a_request_says(name: str, instead: str) -> None:
    with pytest.raises(RequestError, match=f"^{name}: not an argument here: use {instead}"):
        jobqueue.cluster("eagle", account="abc", **{name: "1"})


def test_a_misspelt_argument_is_dask_jobqueue_s_to_refuse() -> None:
    with pytest.raises(ValueError, match="wokers"):
        alive("mahuika", wokers=3)


def test_inside_a_job_its_variables_are_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBATCH_TIMELIMIT", "7")
    monkeypatch.setenv("SLURM_CONF", "/etc/x.conf")
    monkeypatch.setenv("SLURM_JOB_ID", "99")

    async def work() -> str:
        async with alive("mahuika") as cluster:
            return str(cluster.job_cls.submit_command)

    words = shlex.split(asyncio.run(work()))
    assert words[0] == "env" and words[-1] == "sbatch"
    taken = words[2:-1:2]
    assert {"SBATCH_TIMELIMIT", "SLURM_JOB_ID"} <= set(taken) and "SLURM_CONF" not in taken and "PATH" not in taken


def test_importing_loads_no_dask() -> None:
    layers = importlib.import_module("test_layers")
    assert not layers.loaded("import hpcgen.jobqueue") & {"dask", "distributed", "dask_jobqueue", "yaml"}


# --- the page

PAGE = (Path(__file__).parent.parent / "docs" / "dask-jobqueue.md").read_text()


def test_the_page_shows_what_the_command_prints(capfd: Any) -> None:
    command = re.search(r"^    (hpcgen dask-jobqueue .*)$", PAGE, re.MULTILINE)
    shown = re.search(r"<!-- jobqueue -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert command and shown and status(shlex.split(command[1])[1:]) == 0
    # but for the first line, which has the dates of all the site's facts
    assert shown[1].split("\n")[1:] == capfd.readouterr().out.split("\n")[1:]
