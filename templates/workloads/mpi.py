import os, socket

from mpi4py import MPI

world = MPI.COMM_WORLD
mine = (world.rank, socket.gethostname(), sorted(os.sched_getaffinity(0)), os.environ.get("OMP_NUM_THREADS"))
everyone = world.gather(mine)
if everyone:
    print(MPI.Get_library_version().splitlines()[0])
    for rank, host, cpus, threads in everyone:
        print("rank", rank, "of", world.size, "on", host, "CPUs", *cpus, "OMP_NUM_THREADS", threads)
