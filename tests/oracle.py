"""Slurm's own parsers as a judge, without a cluster: sbatch and srun print what they understood before they look for one.

A configuration of a few lines is enough for them; the controller that it names does not exist, and what they say of
that is left out. Tried with slurm-client 22.05 to print the same blocks for any configuration.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple, Union

import pytest

# MessageTimeout=1 is one attempt to reach the controller, the default ten, a second apart. cons_tres knows of GPUs.
# A name of GresTypes needs no plugin, but a --gres of a name that is not among them is refused.
CONF = """\
ClusterName=oracle
SlurmctldHost=localhost
SlurmctldPort=9
MessageTimeout=1
AuthType=auth/none
SelectType=select/cons_tres
GresTypes=gpu,nvme,ssd,tmp,lscratch
NodeName=node[1-9]
PartitionName=all Nodes=ALL
"""
JOB_ID = "99"
# Relative paths in a script become absolute ones below this folder.
CWD = "/tmp"

Options = Dict[str, str]


class Missing(Exception):
    """Slurm's client programs are not installed."""


class Verdict(NamedTuple):
    """The options of each component, as parsed, and the errors and warnings that were said of them."""

    components: List[Options]
    errors: List[str]


class Part(NamedTuple):
    """A part of a launch line: the options as parsed, those that were written, and the command that follows them."""

    options: Options
    written: List[str]
    command: List[str]


def tool(name: str) -> str:
    """The program's path. Raises Missing."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed: apt-get install slurm-client")
    return found


def or_skip() -> None:
    """Without Slurm's programs a module of tests is skipped in one line; where everything must run, it fails."""
    try:
        tool("sbatch"), tool("srun")
    except Missing as why:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(why), allow_module_level=True)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Removed when Python ends."""
    folder = tempfile.TemporaryDirectory(prefix="oracle-")
    Path(folder.name, "slurm.conf").write_text(CONF)
    return folder


def _said(command: Sequence[Union[str, bytes]], stdin: bytes, more: Mapping[str, str]) -> str:
    """What the program printed; nothing of the environment of whoever runs the tests reaches it."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": CWD, "LC_ALL": "C.UTF-8", "SLURM_CONF": f"{_folder().name}/slurm.conf", **more}
    done = subprocess.run(
        command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ, cwd=CWD, timeout=30
    )
    return done.stdout.decode("utf-8", "surrogateescape")


_OPTION = re.compile(r"(?:sbatch|srun): ([a-z][a-z-]*) *: (.*)")
# What is said of the controller that is not there, and of the old separator, which a site's old Slurm needs.
_BESIDE = re.compile(r"allocation failure: |srun: error: Unable to confirm|srun: Check SLURM_JOB_ID|.*the .packjob. comp")
_OURS = ("verbose", "test-only", "jobid")


def _read(text: str) -> Verdict:
    """Split at newlines only: a value may hold other characters that Python would take for the end of a line."""
    blocks: List[Options] = []
    errors: List[str] = []
    inside = False
    for line in text.split("\n"):
        if line.endswith(": defined options"):
            inside = True
            blocks.append({})
        elif line.endswith(": end of defined options"):
            inside = False
        elif inside and (match := _OPTION.fullmatch(line)):
            if match.group(1) not in _OURS:
                blocks[-1][match.group(1)] = match.group(2)
        elif not inside and re.search(r"error|fatal|warning|invalid", line, re.IGNORECASE) and not _BESIDE.match(line):
            errors.append(line)
    return Verdict(blocks, errors)


def sbatch(script: str, *options: str) -> Verdict:
    """What sbatch understands of a script, and of options beside it. Raises Missing."""
    command = [tool("sbatch"), "--test-only", "-v", *options]
    return _read(_said(command, script.encode("utf-8", "surrogateescape"), {}))


def srun_blocks(args: Sequence[Union[str, bytes]], components: int = 1) -> Verdict:
    """What srun understands of its arguments within a job of so many components. Raises Missing."""
    job = {"SLURM_JOB_ID": JOB_ID, **({"SLURM_HET_SIZE": str(components)} if components > 1 else {})}
    return _read(_said([tool("srun"), "-v", *args], b"", job))


def srun(args: Sequence[Union[str, bytes]], components: int = 1) -> Tuple[List[Part], List[str]]:
    """The parts of a launch line as srun understands it, and the errors.

    Where a command begins, and that a colon of its own ends it, is srun's rule (its getopt stops at the first word
    that is no option): our lines write each option in one word. Raises Missing.
    """
    blocks, errors = srun_blocks(args, components)
    parts = []
    for i, words in enumerate(_parts([os.fsdecode(word) for word in args])):
        end = next((n for n, word in enumerate(words) if not word.startswith("-")), len(words))
        parts.append(Part(blocks[i] if i < len(blocks) else {}, words[:end], words[end:]))
    if len(blocks) != len(parts):
        errors.append(f"srun saw {len(blocks)} components, and the line has {len(parts)}")
    return parts, errors


def _parts(words: List[str]) -> List[List[str]]:
    parts: List[List[str]] = [[]]
    for word in words:
        if word == ":":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


@cache
def mpi_types() -> Tuple[str, ...]:
    """The types for --mpi that this srun has. Raises Missing."""
    text = _said([tool("srun"), "--mpi=list"], b"", {})
    return tuple(re.findall(r"^\t(\w+)$", text, re.MULTILINE)) + tuple(re.findall(r"\bpmix_v\d+", text))
