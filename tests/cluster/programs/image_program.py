"""What a rank in an image is given and sees; `exit 3` ends rank 1 with this status, `crash 3` while the others work on."""
import json
import os
import platform
import sys
import time

from mpi4py import MPI

world = MPI.COMM_WORLD
folders = {
    name: sorted(os.listdir(path))
    for name in ("HPCGEN_STAGED", "BOUND")
    if (path := os.environ.get(name)) and os.path.isdir(path)
}
mine = {
    "rank": world.rank, "size": world.size, "host": platform.node(), "mpi": MPI.Get_library_version().partition(" ")[0],
    "cpus": sorted(os.sched_getaffinity(0)),
    "omp": {name: value for name, value in os.environ.items() if name.startswith("OMP_")},
    "image": os.environ.get("APPTAINER_CONTAINER"), "folders": folders, "argv": sys.argv[1:],
}  # fmt: skip
for one in world.gather(mine) or ():
    print("facts", json.dumps(one), flush=True)
if sys.argv[1:2] == ["crash"]:
    world.Barrier()
    if mine["rank"] == 1:
        os._exit(int(sys.argv[2]))
    time.sleep(600)
if sys.argv[1:2] == ["exit"]:
    MPI.Finalize()
    if mine["rank"] == 1:
        time.sleep(1 + os.getloadavg()[0])  # the others are done then: whom the launcher ends has a status, too
        sys.exit(int(sys.argv[2]))
