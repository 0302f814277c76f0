# refused at 2: is not a comment
#PBS -l walltime=1:00:00 # an hour
