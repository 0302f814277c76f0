"""Ranks without MPI, as SLURMRunner of dask-jobqueue has them: numbered by srun, with an address in a file."""

import json
import os
import time

from hpcgen.dask.program import ENV, die
from hpcgen.dask.ranks import serve


def begin(asked, argv):
    rank, size = int(ENV["SLURM_PROCID"]), asked.get("ranks") or int(ENV["SLURM_NTASKS"])
    path = ENV.get("HPCGEN_STATUS", ".dask-{SLURM_JOB_ID}-{SLURM_STEP_ID}".format(**ENV)) + ".meet"

    def bcast(value):
        """Rank 0's word, in a file that only its owner can read."""
        if rank == 0:
            with open(os.open(path + "~", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(value, file)
            os.rename(path + "~", path)
        for _ in range(600):
            if os.path.exists(path):
                with open(path) as file:
                    return json.load(file)
            time.sleep(0.1)
        die(f"there is no {path} after a minute: the hosts must share the working folder")

    serve(asked, argv, rank, size, bcast)
