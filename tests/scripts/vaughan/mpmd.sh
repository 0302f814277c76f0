#!/bin/bash
# hpcgen 0.1.0: site vaughan, facts of 2026-07-24 to 2026-11-21
# made by: hpcgen slurm --site vaughan --workload mpi --mpmd '4: ./writer --every 10 '"'"'a b'"'"'' --account ap_course --time 04:00:00 --nodes 2 --ntasks-per-node 8 --cpus-per-task 2 ./solver case.in
#SBATCH --job-name=solver
#SBATCH --account=ap_course
#SBATCH --time=04:00:00
#SBATCH --partition=zen2
#SBATCH --nodes=2
#SBATCH --ntasks=16
#SBATCH --ntasks-per-node=8
#SBATCH --cpus-per-task=2
#SBATCH --mem-per-cpu=1G

module --force purge
module load calcua/2023a
module load intel
export OMP_NUM_THREADS=2
export OMP_PLACES=cores
export OMP_PROC_BIND=close

# Each rank runs the program that its number belongs to.
programs=$(cat <<'BASH'
if [ "$SLURM_PROCID" -lt 12 ]; then
    exec ./solver case.in
else
    exec ./writer --every 10 'a b'
fi
BASH
)
srun --cpus-per-task=2 --cpu-bind=cores bash -c "$programs"
