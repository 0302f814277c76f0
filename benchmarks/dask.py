"""Dask as the pages start it, and by hpcgen's launcher, in the same run on a miniature cluster (root, tests/cluster/install).

    python -m benchmarks.dask [ROUNDS]

The same program, the same heterogeneous job: two workers of 4 CPUs and 1 GiB on two hosts. Medians and ratios of rounds in
turn: seconds from srun to the first result; from the program's end to the job's; and a reduction over more data than a
quarter of a worker's memory, which is what Dask takes for its limit when nobody tells it.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.cluster import bed, daskbed, mpi

REQUEST = {
    "hetjob": True, "workers": 2, "nodes": 2, "cpus_per_worker": 4, "mem_per_cpu": "256M", "time": "10", "program": "prog.py",
}  # fmt: skip
PROGRAM = """
import time

from dask_mpi import initialize

initialize(interface="ib0")

import dask.array as da
from distributed import Client

if __name__ == "__main__":
    with Client() as client:
        client.wait_for_workers(2)
        client.submit(sum, [1, 2]).result()
        print("first", time.time(), flush=True)
        x = da.random.random((12_000, 6_000), chunks=(1_000, 6_000)).persist()  # 576 MB on two workers
        for power in range(1, 6):
            ((x**power).mean() + x.std()).compute()
        print("last", time.time(), flush=True)
"""
NUMPY = mpi.CACHE / "numpy"
SHOWN = {"start": "srun to the first result", "compute": "five reductions over 576 MB", "end": "last result to the job's end"}


def once(up: bed.Miniature, name: str, plain: bool) -> Dict[str, float]:
    site = daskbed.site("impi", network={"interface": "ib0", "source": "x"})
    text = daskbed.script(site, **REQUEST, **({"plain": True} if plain else {}))
    text = text.replace("\nsrun", f"\nexport PYTHONPATH={NUMPY}\nsrun")
    text = re.sub(r"^srun", "echo begin $(date +%s.%N)\nsrun", text, flags=re.MULTILINE)
    text = text.replace('exit "$status"', "echo over $(date +%s.%N)") if not plain else text + "echo over $(date +%s.%N)\n"
    output = daskbed.run(up, name, text, PROGRAM, seconds=300).output
    at = {word: float(number) for word, number in re.findall(r"^(begin|first|last|over) ([\d.]+)$", output, re.MULTILINE)}
    if len(at) < 4:
        raise SystemExit(output)
    noise = sum("Traceback" in line for line in output.splitlines())
    spans = {"start": ("begin", "first"), "compute": ("first", "last"), "end": ("last", "over")}
    return {"noise": noise, **{key: at[until] - at[since] for key, (since, until) in spans.items()}}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    runs: Dict[bool, List[Dict[str, float]]] = {True: [], False: []}
    if not NUMPY.exists():
        subprocess.run([daskbed.python("impi"), "-m", "pip", "install", "-q", "--target", str(NUMPY), "numpy"], check=True)
    up = bed.Miniature(daskbed.SHAPE).up()
    try:
        for number in range(rounds):
            for plain in (True, False):
                runs[plain].append(once(up, f"bench-{number}-{plain}", plain))
                print(f"{'plain' if plain else 'hpcgen'}: {runs[plain][-1]}", file=sys.stderr)
    finally:
        up.down()
    print(f"{os.cpu_count()} cores, medians of {rounds} rounds | plain dask-mpi | hpcgen's launcher | ratio")
    for key, text in SHOWN.items():
        plain, ours = (statistics.median(one[key] for one in runs[which]) for which in (True, False))
        print(f"{text} | {plain:.1f} s | {ours:.1f} s | {ours / plain:.2f}")
    counts = [f"{statistics.median(one['noise'] for one in runs[which]):.0f}" for which in (True, False)]
    print("tracebacks in the output |", " | ".join(counts), "|")


if __name__ == "__main__":
    main()
