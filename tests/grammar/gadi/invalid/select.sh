# refused at 2: Gadi takes the job's totals
#PBS -l select=2:ncpus=48:mem=190GB
