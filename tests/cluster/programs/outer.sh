#!/bin/bash
#SBATCH --job-name=outer
#SBATCH --time=00:07:00
#SBATCH --ntasks=2
#SBATCH --cpus-per-task=3
#SBATCH --mem-per-cpu=1G

# A user's own settings for jobs, which sbatch and srun read before a script's directives.
export SBATCH_TIMELIMIT=11 SBATCH_JOB_NAME=not-this SBATCH_EXCLUSIVE=user SRUN_OUTER=1 SLURM_OUTER=1 PMI_OUTER=1 PMIX_OUTER=1
export SLURM_NTASKS_PER_CORE=1 KEPT_OUTER=1
"$@"
