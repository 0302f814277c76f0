# refused at 2: the variable A is given twice
#PBS -v A=1,A=2
