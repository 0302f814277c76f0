"""A computation of some seconds; it writes down who does what, and waits until someone has been ended in the middle of it."""
import os
import socket
import time
from pathlib import Path

from distributed import Client


def me(dask_worker=None, dask_scheduler=None):
    return f"{socket.gethostname()} {os.getpid()}"


def slow(x):
    time.sleep(0.5)
    while not os.path.exists("struck"):
        time.sleep(0.1)
    return x


if __name__ == "__main__":
    with Client() as client:
        client.wait_for_workers(3, timeout=60)
        Path("pids").write_text("\n".join([client.run_on_scheduler(me), me(), *client.run(me).values()]))
        futures = client.map(slow, range(60))
        os.rename("pids", "started")
        print("sum", sum(client.gather(futures)), flush=True)
