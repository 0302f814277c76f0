# refused at 3: ncpus outside of select, beside it
#PBS -l select=2:ncpus=4
#PBS -l ncpus=8
