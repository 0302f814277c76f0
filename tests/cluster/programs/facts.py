"""What a process of a job can see of its place: one line of JSON each."""
import fcntl
import json
import os
import platform
import resource
import socket
import struct

SIOCGIFADDR = 0x8915
OF_JOBS = ("SLURM_", "SBATCH_", "SRUN_", "PMI", "KEPT_")


def addresses():
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as query:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(query, SIOCGIFADDR, struct.pack("256s", name.encode()))
            except OSError:  # an interface without an address
                continue
            found[name] = socket.inet_ntoa(answer[20:24])
    return found


def facts(**more):
    return {
        **more,
        "host": platform.node(),
        "cpus": sorted(os.sched_getaffinity(0)),
        # Slurm gives each task its own component's memory on the host here, and nowhere else
        "rss_mib": resource.getrlimit(resource.RLIMIT_RSS)[0] >> 20,
        "addresses": addresses(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "modules": [name for name in os.environ.get("LOADEDMODULES", "").split(":") if name],
        "gpus": [number for number in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if number],
        "env": {name: value for name, value in sorted(os.environ.items()) if name.startswith(OF_JOBS)},
    }


def rank(**more):
    from mpi4py import MPI

    world, name = MPI.COMM_WORLD, MPI.Get_library_version().split("\n")[0].strip("\0 ")
    return facts(rank=world.rank, size=world.size, mpi=name, **more)


def line(one):
    return json.dumps(one)


def report(world, **more):
    """Whole lines only: one rank writes for all. That it hears from all proves one MPI_COMM_WORLD."""
    for text in world.gather(line(rank(**more)), root=0) or []:
        print("facts", text, flush=True)
