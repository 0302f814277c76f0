"""dask-jobqueue's own directives: which key of its configuration writes which line of a job's header.

Source: slurm.py, pbs.py, sge.py, lsf.py and core.py of dask-jobqueue 0.9.0; the first three are the same in 0.8.5.
What it cannot write as the site's template does goes into `job-extra-directives`, and its own line into
`job-directives-skip`. That skips every line of its own which contains the text: so the text is the line's beginning, with
the prefix, which no value can contain.
"""

from __future__ import annotations

import re
from math import ceil
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

# A value that needs no quotes: dask-jobqueue writes none.
PLAIN = r"([^\s#'\"\\]+)"
NEVER = r"(?!)()"


ANY = ""


class Shape(NamedTuple):
    """What dask-jobqueue is told of a job before any directive: its CPUs, and its memory in MiB."""

    cores: int
    mib: int


class Own(NamedTuple):
    """A line that dask-jobqueue writes itself.

    `ours` matches the directive as the site's template writes it, its group is the value of `key`. `theirs` is how the
    line of dask-jobqueue begins; `unset` is the value in that line where the key is not set, None where there is no line,
    and ANY where a default of the configuration or of the environment stands in.
    """

    key: Optional[str]
    ours: str
    theirs: str
    unset: Callable[[Shape], Optional[str]] = lambda shape: None


class Backend(NamedTuple):
    """A class of dask-jobqueue, the section of the configuration that it reads unless told, and its further keys."""

    cluster: str
    section: str
    keys: Tuple[str, ...]
    lines: Tuple[Own, ...]
    fixed: Tuple[Tuple[str, Any, str], ...] = ()  # a key, its value, and why

    @property
    def all_keys(self) -> Tuple[str, ...]:
        """What the class reads of its section: where one is missing it fails, or falls back on an older name of it."""
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
        Own("account", rf"-A {PLAIN}", "-A ", _always(ANY)),  # else that of $PBS_ACCOUNT
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

# -M is in units of 1000 there, and in the site's own here; a string of -R holds all that is required of hosts.
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
    (("use-stdin", True, "bsub reads directives from its standard input alone"),),
)  # fmt: skip

BACKENDS: Dict[str, Backend] = {"slurm": SLURM, "pbs": PBS, "sge": SGE, "lsf": LSF}

# What every class reads; those of a class stand between. The last three are older names, with any value of which it warns.
RESOURCES = ("cores", "memory", "processes", "name", "queue")
KEYS = (
    "walltime", "job-extra-directives", "job-directives-skip", "shebang", "job-script-prologue", "python", "interface",
    "scheduler-options", "local-directory", "log-directory", "shared-temp-directory", "death-timeout", "worker-command",
    "worker-extra-args", "extra", "env-extra", "job-extra",
)  # fmt: skip


NUMBERS = ("ncpus", "job-cpu")


class Divided(NamedTuple):
    """Directives of a script as dask-jobqueue takes them: its own keys, each with the directive it came from, the rest
    word for word, and its own lines that must not be written."""

    keys: Dict[str, Tuple[Union[str, int], str]]
    extra: List[str]
    skip: List[str]


def divided(directives: Sequence[str], prefix: str, backend: Backend, shape: Shape) -> Divided:
    """The directives, without their prefix, as keys of dask-jobqueue's configuration where a key writes the very same."""
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
