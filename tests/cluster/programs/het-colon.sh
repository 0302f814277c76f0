#!/bin/bash -e
#SBATCH --job-name=colon
#SBATCH --account=nesi99999
#SBATCH --time=00:05:00
#SBATCH --ntasks=2 --cpus-per-task=1 --mem-per-cpu=1G
#SBATCH hetjob
#SBATCH --nodes=2 --ntasks=3 --cpus-per-task=4 --mem-per-cpu=3G

module purge
module load Python/3.9.9-gimkl-2020a

srun --mpi=pmi2 \
     --het-group=0 --cpus-per-task=1 env OMP_NUM_THREADS=1 python report.py : \
     --het-group=1 --cpus-per-task=4 env OMP_NUM_THREADS=4 python report.py
srun --mpi=pmi2 --het-group=0 --cpus-per-task=1 sleep 2 : --het-group=1 --cpus-per-task=4 sleep 2 &
sleep 1
scontrol show step --oneliner
wait
