"""Master and workers with mpi4py alone: rank 0 hands out tasks one by one, so that fast ranks get more of them.

    hpcgen slurm --site vaughan --account NAME --workload mpi --ntasks 16 examples/mpi_tasks.py
"""

from mpi4py import MPI

world, status = MPI.COMM_WORLD, MPI.Status()
TASK, STOP = 1, 2


def work(i):
    return i * i


def master(tasks):
    results, busy = [], 0
    for rank in range(1, world.size):
        busy += give(rank, tasks)
    while busy:
        results.append(world.recv(status=status))
        busy += give(status.source, tasks) - 1
    return results


def give(rank, tasks):
    """The next task to this rank, or word that there is none."""
    task = next(tasks, None)
    world.send(task, rank, STOP if task is None else TASK)
    return task is not None


if world.rank == 0:
    print("sum:", sum(master(iter(range(100)))), "by", world.size - 1, "workers")
else:
    while True:
        task = world.recv(source=0, status=status)
        if status.tag == STOP:
            break
        world.send(work(task), 0)
