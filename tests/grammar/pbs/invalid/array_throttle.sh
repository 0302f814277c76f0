# refused at 2: none of it may run
#PBS -J 1-9%0
