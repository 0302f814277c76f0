"""How long a command takes to start and finish, and how many scripts per second the Python API makes.

    make bench                                  # in the project's own environment
    python benchmarks/startup.py --rounds 50    # in any environment that has hpcgen
    python benchmarks/startup.py --json

A *ratio* is a command's median divided by that of ``python -c pass``. Both are taken in the same run, one round of each
command after the other, so that the machine's load and speed affect all of them alike. Every process is new. Python's
bytecode and the compiled templates exist, as they do from a user's second command on. The user's configuration is not read.

Scripts per second are for ``hpcgen slurm --site mahuika --hetjob``; each is planned and rendered again: the median of batches.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

SITE = "mahuika"
BATCHES, BATCH = 25, 40


class Result(NamedTuple):
    """`aim` is the largest ratio that a command should have, or the smallest rate."""

    what: str
    value: float
    unit: str
    ratio: Optional[float] = None
    aim: Optional[float] = None


def commands() -> Dict[str, Tuple[List[str], Dict[str, str], Optional[float]]]:
    """The commands to start: words, extra environment, and the aim."""
    hpcgen = [str(Path(sys.executable).with_name("hpcgen"))]
    line = f"hpcgen slurm --site {SITE[:2]}"
    tab = {"_HPCGEN_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "3"}
    return {
        "python -c pass": ([sys.executable, "-c", "pass"], {}, None),
        f"hpcgen slurm --site {SITE} --hetjob": ([*hpcgen, "slurm", "--site", SITE, "--hetjob"], {}, 9),
        f"{line}<TAB>": (hpcgen, tab, 6.5),
        "hpcgen sites": ([*hpcgen, "sites"], {}, 8),
        "hpcgen --help": ([*hpcgen, "--help"], {}, None),
    }


def environment(home: str) -> Dict[str, str]:
    """This environment without the user's defaults, and with bytecode, as an installed program has it."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "HPCGEN_PATH", "SBATCH_ACCOUNT")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "XDG_CONFIG_HOME": f"{home}/config", "XDG_CACHE_HOME": f"{home}/cache"}


def started(rounds: int) -> List[Result]:
    """Each command's median time in milliseconds."""
    times: Dict[str, List[float]] = {name: [] for name in commands()}
    with tempfile.TemporaryDirectory() as home:
        for number in range(rounds + 1):
            for name, (words, more, _) in commands().items():
                begin = time.perf_counter()
                done = subprocess.run(words, env={**environment(home), **more}, capture_output=True)
                if done.returncode or (number == 0 and more and SITE.encode() not in done.stdout):
                    sys.exit(f"{name}: status {done.returncode}: {done.stderr.decode()}")
                if number:  # the first round fills the caches
                    times[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    bare = medians["python -c pass"]
    return [Result(name, medians[name] * 1000, "ms", medians[name] / bare, aim) for name, (_, _, aim) in commands().items()]


def rates() -> List[Result]:
    """Scripts per second through the Python API, in this process."""
    from hpcgen import Request, load, plan, render

    site, request = load(SITE), Request(hetjob=True)
    return [
        Result("scripts: plan, render", _rate(lambda: render(plan(site, request))), "/s", aim=3000),
        Result("scripts: load, plan, render", _rate(lambda: render(plan(load(SITE), request)), BATCH // 4), "/s", aim=600),
    ]


def _rate(work: Callable[[], object], batch: int = BATCH) -> float:
    taken = []
    for _ in range(BATCHES):
        begin = time.perf_counter()
        for _ in range(batch):
            work()
        taken.append(time.perf_counter() - begin)
    return batch / statistics.median(taken)


def table(results: Sequence[Result]) -> str:
    """A table in Markdown, for docs/measurements.md."""
    lines = [f"| Python {platform.python_version()} | median | × bare Python | aim |", "|---|--:|--:|--:|"]
    for what, value, unit, ratio, aim in results:
        bound = "" if aim is None else f"≤ {aim:g} ×" if ratio else f"≥ {aim:,.0f}/s"
        lines.append(f"| `{what}` | {value:,.0f} {unit} | {f'{ratio:.1f}' if ratio else ''} | {bound} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25, help="how often each command is started (25)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    results = [*started(options.rounds), *rates()]
    print(json.dumps([result._asdict() for result in results], indent=2) if options.json else table(results))


if __name__ == "__main__":
    main()
