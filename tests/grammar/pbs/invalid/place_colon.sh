# refused at 3: is not a part of place
#PBS -l select=1:ncpus=1
#PBS -l place=:excl
