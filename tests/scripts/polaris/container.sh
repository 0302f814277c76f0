#!/bin/bash -l
# hpcgen 0.1.0: site polaris, facts of 2026-08-06 to 2026-11-21
# made by: hpcgen pbs --site polaris --workload mpi --account datascience --time 00:30:00 --nodes 2 --ntasks-per-node 4 --cpus-per-task 16 --image mpich-4.sif app.py
#PBS -N app
#PBS -A datascience
#PBS -q debug
#PBS -l walltime=00:30:00
#PBS -l select=2:system=polaris
#PBS -l place=scatter
#PBS -l filesystems=home:eagle
#PBS -j oe
#PBS -k doe

cd "$PBS_O_WORKDIR" || exit

module use /soft/modulefiles
module load spack-pe-base/0.6.2
module load apptainer
module load cray-mpich-abi
export OMP_NUM_THREADS=16
export OMP_PLACES=cores
export OMP_PROC_BIND=close
test -e mpich-4.sif || { echo "hpcgen: there is no image" mpich-4.sif >&2; exit 1; }
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}/opt,/var/run/palsd/,$PWD"

mpiexec -n 8 --ppn 4 --depth 16 --cpu-bind depth apptainer exec mpich-4.sif python app.py
