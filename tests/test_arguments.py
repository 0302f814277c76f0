"""Whatever a person types reaches the program as it is, or is refused; and nothing else is run.

The scripts run in real bash with stand-ins for everything they call: see stubs.py. test_launchers.py does the same
with the real launchers, test_hostile.py with values and profiles that are out to do harm.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stubs import ANY, FEW, HETJOBS, SITES, Call, check_harmless, flags, job, program_calls, shared, site, told_of

from hpcgen import Request, cli, plan, render
from hpcgen.base.errors import HpcgenError
from hpcgen.model.job import Job

stubs = shared()

WORKLOADS: List[Dict[str, Any]] = [{}, {"hetjob": True}, {"workload": "mpi"}, {"workload": "serial"}]
CONTAINERS: List[Dict[str, Any]] = [{}, {"image": "im age.sif", "gpus": "1"}, {"image": "i.sif", "container_verb": "run"}]
# Every two of scheduler, workload and container meet.
KINDS = [
    (scheduler, {**workload, **CONTAINERS[(i + j) % len(CONTAINERS)]})
    for i, scheduler in enumerate(SITES)
    for j, workload in enumerate(one for one in WORKLOADS if scheduler in HETJOBS or "hetjob" not in one)
]

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True).filter(lambda n: n not in ("PATH", "LD_PRELOAD"))


def named(value: Any) -> str:
    return value if isinstance(value, str) else "-".join(map(str, value.values())) or "dask"


@pytest.mark.parametrize("scheduler, kind", KINDS, ids=named)
@FEW
@given(program=st.one_of(st.just("a.py"), ANY), args=st.lists(ANY, max_size=6), env=st.dictionaries(NAMES, ANY, max_size=3))
@example(program="a.py", args=[":", "", "=", "-", "*", "#SBATCH -N 9", "\n#SBATCH hetjob\n", "PYTHON"], env={"A": "\n:\n"})
@example(program="~/a.py", args=["~/b", "~"], env={"A": "~/"})
def test_what_was_typed_arrives(
    scheduler: str, kind: Dict[str, Any], program: str, args: List[str], env: Dict[str, str]
) -> None:
    stubs.empty()
    by_python = kind.get("workload", "dask-mpi") == "dask-mpi" or program.endswith(".py")
    if not by_python and kind.get("container_verb") is None:
        program = runnable(program)
    made = job(site(scheduler), **kind, program=program, args=args, env=env)
    if made is None:
        return
    assert made.container is None or stubs.image(made.container.image)
    ran = stubs.run(render(made), made.shebang)
    check_harmless(ran, "python", os.path.basename(program))
    assert ran.status == 0, ran.errors
    calls = program_calls(ran, made)
    assert len(calls) == len(made.components)
    for call in calls:
        words = [at_home(program), *args]
        assert call.args == [os.fsencode(word) for word in words]
        check_env(call, env, made)


def at_home(program: str) -> str:
    """The program is a path, whose ``~/`` is the home folder; its arguments are text."""
    return f"{stubs.home}{program[1:]}" if program.startswith("~/") else program


def runnable(program: str) -> str:
    """A bare name on the PATH, where the text can be a file's name."""
    name = "".join(c for c in program if c not in "/\0")[:40]
    if name in ("", ".", "..") or (stubs.bin / name).exists() or (stubs.folder / "tools" / name).exists():
        return "program"  # a stand-in too
    stubs.program(stubs.bin / name)
    return name


# What bash sets by itself, and what a script of these sites exports.
KNOWN = {
    "PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "_", "OMP_NUM_THREADS", "I_MPI_PMI_LIBRARY", "APPTAINER_BIND", "PBS_O_WORKDIR",
    "HPCGEN_STATUS",
}  # fmt: skip


def check_env(call: Call, env: Dict[str, str], made: Job) -> None:
    for name, value in env.items():
        assert call.env.get(name.encode()) == os.fsencode(value), name
    assert {os.fsdecode(name) for name in call.env} <= {*KNOWN, *env}
    if "OMP_NUM_THREADS" not in env:
        assert call.env[b"OMP_NUM_THREADS"] == b"1"


def test_variables_that_bash_has_its_own_ideas_of() -> None:
    """Some bash evaluates (OPTIND is arithmetic), some it resets, also a second bash on the way to the program."""
    stubs.empty()
    known = subprocess.run(["bash", "-c", "compgen -v"], capture_output=True, text=True, check=True, env={}).stdout.split()
    value = "a[$(touch CANARY)]\n x"
    names = [name for name in {*known, *BASHS} - {"PATH"} if job(site("slurm"), program="a.py", env={name: value})]
    for args in (["x"], [":"]):
        made = job(site("slurm"), program="a.py", args=args, env=dict.fromkeys(names, value))
        assert made is not None
        ran = stubs.run(render(made), made.shebang)
        check_harmless(ran, "python")
        check_env(program_calls(ran, made)[0], dict.fromkeys(names, value), made)
    assert len(names) > 20 and "OPTIND" not in names


# Those of bash(1) that are unset in a script.
BASHS = (
    "BASH_ARGV0 BASH_COMPAT BASH_ENV BASH_LOADABLES_PATH BASH_REMATCH BASH_XTRACEFD CDPATH CHILD_MAX COLUMNS COMPREPLY COPROC "
    "EMACS ENV EXECIGNORE FCEDIT FIGNORE FUNCNEST GLOBIGNORE HISTCONTROL HISTFILE HISTIGNORE HISTSIZE HISTTIMEFORMAT HOME "
    "HOSTFILE IGNOREEOF INPUTRC INSIDE_EMACS LANG LC_ALL LC_COLLATE LC_CTYPE LC_MESSAGES LC_NUMERIC LINES MAIL MAILCHECK "
    "MAILPATH MAPFILE OLDPWD OPTARG OPTERR POSIXLY_CORRECT PROMPT_COMMAND PROMPT_DIRTRIM PS0 PS1 PS2 PS3 READLINE_LINE REPLY "
    "SHELL SHLVL SRANDOM TERM TIMEFORMAT TMOUT TMPDIR auto_resume histchars"
).split()


def test_names_that_bash_takes_for_its_own() -> None:
    """A serial program is the first word of a command, where keywords and builtins are."""
    stubs.empty()
    known = subprocess.run(["bash", "-c", "compgen -k; compgen -b"], capture_output=True, text=True, check=True).stdout.split()
    for name in {*known, "A=b", "a=(b)", "é=", "~", "*", "#", "%1", "%", "a b", "$x", "\n"} - {".", "bash", "env", "cat"}:
        program = stubs.program(stubs.bin / name)
        made = plan(site("slurm"), flags(workload="serial", program=name, args=["touch", "CANARY"]))
        ran = stubs.run(render(made), made.shebang)
        program.unlink()
        check_harmless(ran, name)
        assert [call.args for call in ran.of(name)] == [[b"touch", b"CANARY"]], name


# --- the command line

TYPED = [
    ["--help", "--time", "--", "-o", "-n", "9", "--workload=mpi", "-w", "out", "--version"],
    ["", " ", "-", "--", "\n", "\r\n", "\t", "*", "?", "~", "\\", "\\n", "'", '"', "`id`", "$(id)", "$HOME", "!!", ":", "="],
    ["#SBATCH --time=9", "\n#SBATCH hetjob\n", "PYTHON", "EOF", "{{ job }}", "{%", "#% if", "@file", "\udcff\udcfe", "日本"],
    ["; touch CANARY", "\ntouch CANARY\n", "'; touch CANARY; '", "| touch CANARY", "> CANARY", "a\0"],
    [":"], ["x" * 100_000], [],
]  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [["--workload", "dask-mpi"], ["--hetjob"], ["--workload", "mpi"], ["--workload", "serial", "--image", "i.sif"]],
    ids=range(4),
)
@pytest.mark.parametrize("args", TYPED, ids=range(len(TYPED)))
def test_what_follows_the_program_is_the_programs_own(
    tmp_path: Path, monkeypatch: Any, capfdbinary: Any, options: List[str], args: List[str]
) -> None:
    stubs.empty()
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites/stub.toml").write_text(PROFILE)
    monkeypatch.setenv("HPCGEN_PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    status = cli.status(["slurm", "--site", "stub", *options, "a b.py", *args])
    script = capfdbinary.readouterr().out
    stubs.image("i.sif")
    assert set(tmp_path.iterdir()) == before
    if "a\0" in args:
        assert (status, script) == (2, b"")
        return
    ran = stubs.run(script.decode("utf-8", "surrogateescape"), "/bin/bash -e")
    check_harmless(ran, "python")
    found = ran.of("python")
    assert len(found) == (2 if "--hetjob" in options else 1)
    typed = list(map(os.fsencode, ["a b.py", *args]))
    for call in found:
        by_launcher = "--hetjob" in options or "dask-mpi" in options
        assert (told_of(call)[1] if by_launcher else call.args) == typed


PROFILE = """
name = "Stub"
operator = "tests"
country = "NZ"
status = "active"
[sources.x]
title = "test"
url = "https://x"
date = 2026-01-01
[scheduler]
type = "slurm"
source = "x"
"""


@pytest.mark.parametrize(
    "values",
    [
        {"job_name": "a\ntouch CANARY"},
        {"env": {"A;touch CANARY": "b"}},
        {"args": ("\0",)},
        {"args": ("\ud800",)},
        {"module": ("a\nb",)},
    ],
    ids=str,
)
def test_the_api_checks_a_request_too(values: Dict[str, Any]) -> None:
    with pytest.raises(HpcgenError):
        render(plan(site("slurm"), Request(**{"program": "a.py", **values})))


def test_a_program_at_home_beside_a_lone_colon_is_refused() -> None:
    """Those words reach Dask's launcher as JSON, in which nobody would know whose home is meant."""
    with pytest.raises(HpcgenError, match=r"~/a.py must be written as a full path"):
        render(plan(site("slurm"), flags(program="~/a.py", args=[":"])))
