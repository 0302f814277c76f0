# refused at 2: is not a time
#PBS -l walltime=2h
