"""dask-jobqueue's own directives: which key of its configuration writes which line of a job's header.

Source: slurm.py, pbs.py, sge.py, lsf.py and core.py of dask-jobqueue 0.9.0; the first three are the same in 0.8.5.
If it cannot write a line as the site's template does, the line goes into `job-extra-directives`, and dask-jobqueue's own line
into `job-directives-skip`. That key skips every line that contains its text, so the text is the start of the line with the
prefix: no value can contain that.
"""

from __future__ import annotations

import re
from math import ceil
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

# A value that needs no quotes; dask-jobqueue does not write any.
PLAIN = r"([^\s#'\"\\]+)"
NEVER = r"(?!)()"


ANY = ""


class Shape(NamedTuple):
    """The CPUs of a job and its memory in MiB, as dask-jobqueue gets them."""

    cores: int
    mib: int


class Own(NamedTuple):
    """A line that dask-jobqueue writes itself.

    `ours` matches the directive as the site's template writes it; its group is the value of `key`. `theirs` is the start of
    dask-jobqueue's line. `unset` is the value in that line if the key is not set, None if there is then no line, and ANY if a
    default of the configuration or the environment is used.
    """

    key: Optional[str]
    ours: str
    theirs: str
    unset: Callable[[Shape], Optional[str]] = lambda shape: None


class Backend(NamedTuple):
    """A class of dask-jobqueue, the section of the configuration that it reads by default, and its other keys."""

    cluster: str
    section: str
    keys: Tuple[str, ...]
    lines: Tuple[Own, ...]
    fixed: Tuple[Tuple[str, Any, str], ...] = ()  # a key, its value, and why

    @property
    def all_keys(self) -> Tuple[str, ...]:
        """The keys that the class reads: if one is missing, it fails or uses an older name of the key."""
        return (*RESOURCES, *self.keys, *KEYS)


def _always(value: str) -> Callable[[Shape], Optional[str]]:
    return lambda shape: value


def _gib(shape: Shape) -> str:
    """Whole units, rounded up: slurm_format_bytes_ceil."""
    return f"{ceil(shape.mib / 1024)}G" if shape.mib >= 1024 else f"{shape.mib}M"


SLURM = Backend(
    "SLURMCluster", "slurm", ("account", "job-cpu", "job-mem"), (
        Own("name", rf"--job-name={PLAIN}", "-J ", _always(ANY)),
        Own("account", rf"--account={PLAIN}", "-A "),
        Own("queue", rf"--partition={PLAIN}", "-p "),
        Own("walltime", rf"--time={PLAIN}", "-t "),
        Own(None, r"--ntasks=(1)", "-n 1", _always("1")),
        Own("job-cpu", rf"--cpus-per-task={PLAIN}", "--cpus-per-task=", lambda shape: str(shape.cores)),
        Own("job-mem", rf"--mem={PLAIN}", "--mem=", _gib),
    ),
)  # fmt: skip

PBS = Backend(
    "PBSCluster", "pbs", ("account", "resource-spec"), (
        Own("name", rf"-N {PLAIN}", "-N ", _always(ANY)),
        Own("queue", rf"-q {PLAIN}", "-q "),
        Own("account", rf"-A {PLAIN}", "-A ", _always(ANY)),  # the default is $PBS_ACCOUNT
        Own("resource-spec", rf"-l (select={PLAIN})", "-l select=", _always(ANY)),
        Own("walltime", rf"-l walltime={PLAIN}", "-l walltime="),
    ),
)  # fmt: skip

SGE = Backend(
    "SGECluster", "sge", ("project", "resource-spec"), (
        Own("name", rf"-N {PLAIN}", "-N ", _always(ANY)),
        Own("queue", rf"-q {PLAIN}", "-q "),
        Own("project", rf"-P {PLAIN}", "-P "),
        Own("walltime", rf"-l h_rt={PLAIN}", "-l h_rt="),
        Own(None, r"-(cwd)", "-cwd", _always("cwd")),
        Own(None, r"-j (y)", "-j y", _always("y")),
    ),
)  # fmt: skip

# dask-jobqueue's -M uses units of 1000, ours the site's unit; our -R holds all requirements for hosts in one string.
LSF = Backend(
    "LSFCluster", "lsf", ("project", "ncpus", "mem", "lsf-units", "use-stdin"), (
        Own("name", rf"-J {PLAIN}", "-J ", _always(ANY)),
        Own("queue", rf"-q {PLAIN}", "-q "),
        Own("project", rf"-P {PLAIN}", "-P "),
        Own("walltime", rf"-W {PLAIN}", "-W "),
        Own("ncpus", r"-n (\d+)", "-n ", lambda shape: str(shape.cores)),
        Own(None, NEVER, '-R "span[', _always(ANY)),
        Own(None, NEVER, "-M ", _always(ANY)),
    ),
    (("use-stdin", True, "bsub reads directives only from standard input"),),
)  # fmt: skip

BACKENDS: Dict[str, Backend] = {"slurm": SLURM, "pbs": PBS, "sge": SGE, "lsf": LSF}

# Keys that every class reads; a class's own keys come between them. The last three are older names: they cause warnings.
RESOURCES = ("cores", "memory", "processes", "name", "queue")
KEYS = (
    "walltime", "job-extra-directives", "job-directives-skip", "shebang", "job-script-prologue", "python", "interface",
    "scheduler-options", "local-directory", "log-directory", "shared-temp-directory", "death-timeout", "worker-command",
    "worker-extra-args", "extra", "env-extra", "job-extra",
)  # fmt: skip


NUMBERS = ("ncpus", "job-cpu")


class Divided(NamedTuple):
    """Directives of a script for dask-jobqueue: its own keys, each with the directive behind it; the other directives
    unchanged; and the lines of its own that it must skip."""

    keys: Dict[str, Tuple[Union[str, int], str]]
    extra: List[str]
    skip: List[str]


def divided(directives: Sequence[str], prefix: str, backend: Backend, shape: Shape) -> Divided:
    """The directives, without their prefix, as keys of dask-jobqueue's configuration if a key writes the same line."""
    keys: Dict[str, Tuple[Union[str, int], str]] = {}
    extra, skip = list(directives), []
    for own in backend.lines:
        found = [(text, match[1]) for text in extra if (match := re.fullmatch(own.ours, text))]
        unset = own.unset(shape)
        if len(found) == 1 and (own.key or found[0][1] == unset):
            extra.remove(found[0][0])
            if own.key and found[0][1] != unset:
                text, value = found[0]
                keys[own.key] = (int(value) if own.key in NUMBERS else value, text)
        elif unset is not None:
            skip.append(f"{prefix} {own.theirs}")
    return Divided(keys, extra, skip)
