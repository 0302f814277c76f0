# refused at 2: is not N or N-M
#PBS -t 1-9:2
