"""Connects ranks that srun started, without MPI, through a file like dask-jobqueue's SLURMRunner."""

import os
import time


def join_by_file(config: Options) -> Joined:
    rank, size = int(ENV["SLURM_PROCID"]), config.get("ranks") or int(ENV["SLURM_NTASKS"])

    def share(text: str) -> str:
        """Write the text on rank 0, to a file that only its owner can read, and read it on all ranks."""
        path = (ENV.get("HPCGEN_STATUS") or f".dask-{ENV['SLURM_JOB_ID']}-{ENV['SLURM_STEP_ID']}") + ".meet"
        if rank == 0:
            with open(os.open(path + "~", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
            os.rename(path + "~", path)
        for _ in range(600):
            if os.path.exists(path):
                with open(path) as file:
                    return file.read()
            time.sleep(0.1)
        die(f"{path} does not exist after a minute: start the job in a folder that all hosts share")

    return rank, size, share