# refused at 2: walltime is for the whole job, outside of select
#PBS -l select=2:ncpus=4:walltime=1:00:00
