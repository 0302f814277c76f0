# refused at 2: is not a resource's name
#PBS -l storage=scratch/ab12,gdata/ab12
