# refused at 2: is not a dependency
#PBS -W depend=afterok
