# refused at 2: is not scratch/PROJECT
#PBS -l storage=/scratch/ab12
