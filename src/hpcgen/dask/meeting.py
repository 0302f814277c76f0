"""Lets ranks that srun numbers meet without MPI, as dask-jobqueue's SLURMRunner does: by a file."""

import os
import time
from typing import Callable, Tuple

from hpcgen.dask.program import ENV, Options, die


def join_by_file(settings: Options) -> Tuple[int, int, Callable[[str], str]]:
    """Return this rank, the number of ranks, and a function that gives rank 0's text to all."""
    rank, size = int(ENV["SLURM_PROCID"]), settings.get("ranks") or int(ENV["SLURM_NTASKS"])

    def share(text: str) -> str:
        path = (ENV.get("HPCGEN_STATUS") or f".dask-{ENV['SLURM_JOB_ID']}-{ENV['SLURM_STEP_ID']}") + ".meet"
        if rank == 0:
            write_private(path, text)
        return wait_for_file(path)

    return rank, size, share


def write_private(path: str, text: str) -> None:
    """Write a file that only its owner can read. It gets its name when it is complete."""
    with open(os.open(path + "~", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    os.rename(path + "~", path)


def wait_for_file(path: str) -> str:
    """Return the text of a file that rank 0 writes."""
    for _ in range(600):
        if os.path.exists(path):
            with open(path) as file:
                return file.read()
        time.sleep(0.1)
    die(f"there is no {path} after a minute: the hosts must share the working folder")
