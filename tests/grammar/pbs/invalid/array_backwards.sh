# refused at 2: holds nothing
#PBS -J 9-3
