"""Starts Dask without ranks: a LocalCluster that uses the whole allocation, and the program in this process."""

import atexit
import sys
from typing import Any, List


def begin(config: Options, argv: List[str]) -> None:
    """Run the program, and exit with its status."""
    host = check_host(config, argv)
    if host.faults:
        die(f"{HOST}: {'; '.join(host.faults)}")
    cluster = OneNode(config, host)
    cluster.clients = intercept(cluster.start)
    sys.exit(run(argv))


class OneNode:
    """The program's LocalCluster, and the clients that it opens."""

    def __init__(self, config: Options, host: Host) -> None:
        self.config, self.options = config, host.options
        self.clients: Any = ()
        self.cluster: Any = None

    def start(self, initialize: Any, arguments: Options) -> None:
        """Start the cluster. The program's arguments for initialize() override the options."""
        import dask
        from distributed import LocalCluster

        options = {"dashboard_address": ":0", **self.options, **arguments}
        threads = options.pop("nthreads", None)

        # If __main__ had a file, each worker would run it, unless the program checks `__name__ == "__main__"`.
        main_module = sys.modules["__main__"].__dict__
        file = main_module.pop("__file__", None)
        self.cluster = LocalCluster(n_workers=self.config.get("workers"), threads_per_worker=threads, **options)
        if file:
            main_module["__file__"] = file

        # Runs after the atexit functions that the program registers later, and before those of distributed.
        atexit.register(self.close)
        address = self.cluster.scheduler_address
        dask.config.set(scheduler_address=address)
        announce(self.config, address, self.cluster.scheduler.services)

    def close(self) -> None:
        """Close the clients, then the cluster."""
        for client in list(self.clients):
            client.close()
        self.cluster.close()