#!/bin/bash
# hpcgen 0.1.0: site gadi, facts of 2026-08-18 to 2026-11-21
# made by: hpcgen pbs --site gadi --workload mpi --mpmd '2: ./writer' --account vp91 --time 01:00:00 --nodes 2 --ntasks-per-node 24 --cpus-per-task 2 --mem 90G ./ocean
#PBS -N ocean
#PBS -P vp91
#PBS -q normal
#PBS -l walltime=01:00:00
#PBS -l ncpus=96
#PBS -l mem=180gb
#PBS -l storage=gdata/vp91+scratch/vp91
#PBS -l wd
#PBS -j oe

module load openmpi/4.1.5
export OMP_NUM_THREADS=2
export OMP_PLACES=cores
export OMP_PROC_BIND=close

# Each rank runs the program that its number belongs to.
programs=$(cat <<'BASH'
if [ "$OMPI_COMM_WORLD_RANK" -lt 46 ]; then
    exec ./ocean
else
    exec ./writer
fi
BASH
)
mpirun -x OMP_NUM_THREADS -x OMP_PLACES -x OMP_PROC_BIND --map-by ppr:24:node:PE=2 -n 48 bash -c "$programs"
