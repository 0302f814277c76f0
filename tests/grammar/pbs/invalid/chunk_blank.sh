# refused at 2: '+' is not an option
#PBS -l select=1:ncpus=4 + 2:ncpus=8
