# refused at 2: a carriage return
#PBS -N dos
