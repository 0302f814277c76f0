# refused at 2: select is PBS Pro's
#PBS -l select=2:ncpus=4
