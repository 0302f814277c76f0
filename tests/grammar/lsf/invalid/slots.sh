# refused at 2: is not slots
#BSUB -n 0
