# refused at 2: is not a time
#PBS -l walltime=1-00:00:00
