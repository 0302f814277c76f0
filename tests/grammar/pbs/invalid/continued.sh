# refused at 2: goes on in the next line
#PBS -l select=1:ncpus=4 \
#PBS -N x
