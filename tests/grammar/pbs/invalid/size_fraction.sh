# refused at 2: is not a size
#PBS -l select=1:ncpus=1:mem=1.5gb
