"""A dask.array that is larger than a worker's memory is reduced chunk by chunk: only a Client is opened.

    hpcgen slurm --site mahuika --hetjob --workers 4 --cpus-per-worker 4 examples/mean.py 20000
"""

import sys
import time

import dask.array as da
from distributed import Client

if __name__ == "__main__":
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    with Client() as client:
        client.wait_for_workers(1)
        begin = time.perf_counter()
        x = da.random.random((side, side), chunks=(side // 8, side // 8))
        print(f"mean of {side} x {side}: {(x @ x.T).mean().compute():.2f} in {time.perf_counter() - begin:.1f} s")
