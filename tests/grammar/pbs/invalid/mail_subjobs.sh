# refused at 0: -m with j, and no array
#PBS -m ja
