# refused at 2: mem outside of select, beside it
#PBS -l select=2:ncpus=4,mem=8gb
