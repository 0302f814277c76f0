# refused at 2: '' is not name=value
#PBS -l select=1:ncpus=4+
