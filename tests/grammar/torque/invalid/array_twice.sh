# refused at 2: an index twice
#PBS -t 1-5,3
