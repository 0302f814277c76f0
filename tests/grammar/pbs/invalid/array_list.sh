# refused at 2: is not X-Y[:Z]
#PBS -J 1,5,9
