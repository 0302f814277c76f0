"""No ranks: a LocalCluster of the size of the allocation, in and beside the program's own process."""

import atexit
import sys

from hpcgen.dask.program import HOST, announce, die, intercept, look, run


def begin(asked, argv):
    options, _, _, wrong = look(asked, argv)
    if wrong:
        die(f"{HOST}: {'; '.join(wrong)}")

    def start(initialize, own):
        import dask
        from distributed import Client, LocalCluster

        given = {"dashboard_address": ":0", **options, **own}
        main = sys.modules["__main__"].__dict__
        file = main.pop("__file__", None)  # else each worker would run a program without `if __name__ == "__main__"`
        cluster = LocalCluster(n_workers=asked.get("workers"), threads_per_worker=given.pop("nthreads", None), **given)
        main.update({"__file__": file} if file else {})
        # after the atexit functions that the program registers from now on, and before those of distributed
        atexit.register(lambda: [one.close() for one in [*Client._instances, cluster]])
        dask.config.set(scheduler_address=cluster.scheduler_address)
        announce(asked, cluster.scheduler_address, cluster.scheduler.services)

    intercept(start)
    sys.exit(run(argv))
