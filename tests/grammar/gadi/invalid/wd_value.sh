# refused at 2: wd has no value
#PBS -l wd=/scratch/ab12
