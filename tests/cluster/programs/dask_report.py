"""What every worker has, and a sum; then how the program is to end."""
import os
import sys
import time

from distributed import Client


def seen(dask_worker):
    return os.environ["OMP_NUM_THREADS"], dask_worker.memory_manager.memory_limit >> 20


def inc(x):
    return x + 1


if __name__ == "__main__":
    client = Client()
    client.wait_for_workers(3, timeout=60)
    limits = client.run(seen)
    for address, worker in client.scheduler_info(n_workers=-1)["workers"].items():
        omp, mib = limits[address]
        print("worker", worker["nthreads"], "threads", mib, "MiB at", address, "OMP", omp)
    print("result", sum(client.gather(client.map(inc, range(10)))), flush=True)
    print("the end", time.time(), flush=True)
    if len(sys.argv) > 1:
        how = sys.argv[1]
        if how == "raise":
            raise RuntimeError("on purpose")
        if how == "signal":
            os.kill(os.getpid(), 15)
        sys.exit(int(how) if how.isdigit() else how)
