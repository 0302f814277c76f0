"""Values and profiles that are out to do harm: refused, or harmless in the script. See stubs.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from stubs import FEW, PRINTABLE, SLURM, SOURCES, WILD, check_harmless, flags, job, program_calls, shared, site

from hpcgen import plan, render
from hpcgen.base.errors import HpcgenError
from hpcgen.profiles.load import decode

stubs = shared()

# --- one field at a time, with text that it may have to refuse

FIELDS = [
    "job_name", "comment", "output", "error", "chdir", "account", "partition", "qos", "constraint", "nodelist", "mail_user",
    "directive", "module", "conda", "venv", "userbase", "python", "image", "bind", "interface", "gres", "export", "mpi",
    "program", "args", "env",
]  # fmt: skip
LISTS = ("directive", "module", "bind", "args")
DIRECTIVES = {
    "account",
    "partition",
    "qos",
    "constraint",
    "nodelist",
    "mail_user",
    "job_name",
    "comment",
    "output",
    "error",
    "chdir",
}


@pytest.mark.parametrize("field", FIELDS)
@FEW
@given(value=st.one_of(WILD, PRINTABLE))
@example(value="\ntouch CANARY\n")
@example(value="'$(touch CANARY)`touch CANARY`\"; touch CANARY; #")
@example(value="$(touch CANARY)")
@example(value="x&{touch,CANARY}")
@example(value="-x")
@example(value="~/-x: y")
@example(value="\ud800")
def test_a_wild_value_is_refused_or_harmless(field: str, value: str) -> None:
    assume(field != "userbase" or ":" not in value)  # PATH cannot hold such a folder, and would hold others
    assume(field != "job_name" or value != "a")  # the program's own name, which the job would have anyway
    stubs.empty()
    values: Dict[str, Any] = {"program": "a.py", "image": "i.sif" if field == "bind" else None}
    values[field] = [value] if field in LISTS else {"A": value} if field == "env" else value
    made = job(site("slurm"), **values)
    if made is None:
        return
    text = render(made)
    if field in DIRECTIVES:
        added = directives(text).keys() - directives(render(plan(site("slurm"), flags(program="a.py")))).keys()
        assert len(added) == 1
    activate = home(value) / "bin/activate"
    if field == "venv":
        assume(stubs.holds(activate))
        activate.parent.mkdir(parents=True, exist_ok=True)
        activate.write_text("export VIRTUAL_ENV=activated\n")
    there = made.container is None or stubs.image(made.container.image)
    before = stubs.run(text, made.shebang)
    check_harmless(before, "python", os.path.basename(value))
    if field in ("venv", "userbase", "conda") and before.status == 0:
        variable = {"venv": b"VIRTUAL_ENV", "userbase": b"PYTHONUSERBASE", "conda": b"CONDA_PREFIX"}[field]
        assert program_calls(before, made)[0].env[variable] == b"activated" if field == "venv" else os.fsencode(home(value))
    elif not there:
        assert before.status == 1 and before.errors.startswith("hpcgen: there is no image") and not before.of("apptainer")
    elif field not in ("python", "program"):
        assert before.status == 0, before.errors


def directives(text: str) -> Dict[str, str]:
    lines = [line for line in text.split("\n") if line.startswith("#SBATCH")]
    return {line: line for line in lines}


def home(value: str) -> Path:
    """The folder that a path of the request means."""
    return stubs.home / value[2:] if value.startswith("~/") else stubs.cwd / value


# --- profiles that nobody looked at

PLACES = [
    "name", "successor", "modules.purge", "modules.python", "modules.base", "shell.shebang", "shell.init", "shell.env",
    "shell.env.name", "mpi.pmi", "mpi.pmi_library", "mpi.launcher", "python", "network.interface", "container.binds",
    "container.runtime", "container.wrapper", "container.bind_command", "container.wrapper_image", "container.wrapper_flags",
    "cpu.unit", "scheduler.extra", "scheduler.version", "scheduler.hetjob_advice", "scheduler.omit",
    "partitions", "nodes", "notes", "sources", "defaults.job_name", "defaults.env", "defaults.module", "id",
]  # fmt: skip


def hostile(place: str, value: str) -> Dict[str, Any]:
    """The profile with this value at this place."""
    table, _, key = place.partition(".")
    text: Any = [value] if key in ("python", "base", "init", "binds", "extra", "omit", "module") else value
    made = {
        "shell.env": {"env": {"A": value}}, "shell.env.name": {"env": {value: "a"}}, "defaults.env": {"env": {"A": value}},
        "partitions": {value: {"nodes": ["n"], "source": "x"}}, "nodes": {value: {"cores": 9, "source": "x"}},
        "container.wrapper_image": {"wrapper": "apptainer", "wrapper_image": value, "wrapper_flags": "FLAGS"},
        "container.wrapper_flags": {"wrapper": "apptainer", "wrapper_image": "IMAGE", "wrapper_flags": value},
        "notes": [{"when": "always", "text": value, "source": "x"}], "sources": {"y": {**SOURCES["x"], "title": value}},
    }.get(place, {key: text} if key else value)  # fmt: skip
    facts: Dict[str, Any] = {**SLURM, "nodes": {"n": {"cores": 256, "source": "x"}}}
    extra = {"source": "x"} if isinstance(made, dict) and table not in ("partitions", "nodes", "sources", "defaults") else {}
    facts[table] = {**facts.get(table, {}), **extra, **made} if isinstance(made, dict) else made
    return facts


@pytest.mark.parametrize("place", PLACES)
@FEW
@given(value=st.one_of(WILD, PRINTABLE))
@example(value="\ntouch CANARY\n")
@example(value="/x&{touch,CANARY}")
@example(value="/x$(touch CANARY)`touch CANARY`\";touch CANARY;'")
@example(value="/bin/bash -e\ntouch CANARY")
@example(value="-x")
def test_a_hostile_profile_is_refused_or_harmless(place: str, value: str) -> None:
    stubs.empty()
    facts = hostile(place, value)
    try:
        at = decode(facts.pop("id", "stub"), facts, "stub.toml")
    except HpcgenError as refusal:
        assert refusal.status == 2 and all(problem.isprintable() for problem in refusal.problems)
        return
    made = job(at, program="a.py", args=["x"], image="i.sif" if place.startswith("container") or "pmi_lib" in place else None)
    assert made is None or made.container is None or stubs.image(made.container.image)
    if made is not None and (place != "shell.shebang" or made.shebang.startswith("/bin/bash")):
        check_harmless(stubs.run(render(made), made.shebang), "python", os.path.basename(value))
