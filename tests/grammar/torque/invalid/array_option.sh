# refused at 2: unknown option -J
#PBS -J 1-9
