#!/bin/bash
# hpcgen 0.1.0: site m3-smu, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen slurm --site m3-smu --workload mpi --account user_project --time 00:10:00 --nodes 2 --ntasks-per-node 4 --mem-per-cpu 1G --venv '~/dask'
#SBATCH --job-name=mpi
#SBATCH --account=user_project
#SBATCH --time=00:10:00
#SBATCH --partition=standard-s
#SBATCH --nodes=2
#SBATCH --ntasks=8
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G

module purge
module load gcc/13.4.0
module load hpc-x/2.21.1
. "$HOME"/dask/bin/activate || exit
export OMP_NUM_THREADS=1

selfcheck=$(cat <<'PYTHON'
import os, socket

from mpi4py import MPI

world = MPI.COMM_WORLD
mine = (world.rank, socket.gethostname(), sorted(os.sched_getaffinity(0)), os.environ.get("OMP_NUM_THREADS"))
everyone = world.gather(mine)
if everyone:
    print(MPI.Get_library_version().splitlines()[0])
    for rank, host, cpus, threads in everyone:
        print("rank", rank, "of", world.size, "on", host, "CPUs", *cpus, "OMP_NUM_THREADS", threads)
PYTHON
)

srun --mpi=pmix_v5 --cpus-per-task=1 python -c "$selfcheck"
