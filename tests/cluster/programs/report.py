"""One line of JSON a rank: who it is, where, on which CPUs, with which environment."""
import json
import os
import platform
import resource

from mpi4py import MPI

world = MPI.COMM_WORLD
line = {
    "rank": world.Get_rank(),
    "size": world.Get_size(),
    "host": platform.node(),
    # Slurm gives each task its own component's memory here, and nowhere else
    "rss_mib": resource.getrlimit(resource.RLIMIT_RSS)[0] >> 20,
    "cpus": sorted(os.sched_getaffinity(0)),
    "mpi": MPI.Get_library_version().split("\n")[0].strip("\0 "),
    "env": {
        name: os.environ[name]
        for name in sorted(os.environ)
        if name.startswith(
            (
                "OMP_",
                "SLURM_CPU",
                "SLURM_MEM",
                "SLURM_LOCALID",
                "SLURM_PROCID",
                "SLURM_TRES",
                "CUDA_VISIBLE",
                "SLURM_JOB_ID",
                "SLURM_HET",
                "LOADEDMODULES",
            )
        )
    },
}
# whole lines only: one rank writes for all
for text in world.gather(json.dumps(line), root=0) or []:
    print("rank", text, flush=True)
