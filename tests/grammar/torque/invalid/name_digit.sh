# refused at 2: is not a job's name
#PBS -N 1st
