# refused at 2: the larger number last
#BSUB -n 8,4
