# refused at 2: is no time at all
#PBS -l walltime=0:00:00
