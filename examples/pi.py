"""Points by the million, counted part by part by a bag of tasks: only a Client is opened.

    hpcgen slurm --site mahuika --hetjob --workers 4 --cpus-per-worker 4 examples/pi.py 20000000
"""

import random
import sys
import time

import dask.bag as db
from distributed import Client


def points(count):
    """How many of them fall into the quarter of a circle."""
    return sum(random.random() ** 2 + random.random() ** 2 < 1 for _ in range(count))


if __name__ == "__main__":
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 400_000
    with Client() as client:
        client.wait_for_workers(1)
        begin = time.perf_counter()
        parts = db.from_sequence([total // 40] * 40, npartitions=40)
        inside = parts.map(points).sum().compute()
        print(f"pi is about {4 * inside / total:.3f}, in {time.perf_counter() - begin:.1f} s")
