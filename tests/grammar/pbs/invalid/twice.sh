# refused at 3: -N is given twice
#PBS -N one
#PBS -N two
