#!/bin/bash -e
#SBATCH --job-name=container
#SBATCH --time=00:05:00
#SBATCH --ntasks=2 --cpus-per-task=1 --mem-per-cpu=1G
#SBATCH hetjob
#SBATCH --nodes=2 --ntasks=3 --cpus-per-task=4 --mem-per-cpu=3G

module purge
module load Apptainer
# the file, not its folder: the host's other libraries would replace the image's
export I_MPI_PMI_LIBRARY=/lib64/libpmi2.so
export APPTAINER_BIND=/lib64/libpmi2.so

srun --mpi=pmi2 \
     --het-group=0 --cpus-per-task=1 env OMP_NUM_THREADS=1 apptainer exec dask-mpi.sif python report.py : \
     --het-group=1 --cpus-per-task=4 env OMP_NUM_THREADS=4 apptainer exec dask-mpi.sif python report.py
srun --mpi=pmi2 \
     --het-group=0 --cpus-per-task=1 apptainer exec dask-mpi.sif python dask_sum.py : \
     --het-group=1 --cpus-per-task=4 apptainer exec dask-mpi.sif python dask_sum.py
