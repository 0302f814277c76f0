# refused at 0: an array with -r n
#PBS -J 1-9
#PBS -r n
