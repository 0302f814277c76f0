# refused at 3: the resource walltime is given twice
#PBS -l walltime=1:00:00
#PBS -l walltime=2:00:00
