# refused at 2: -J needs a value
#BSUB -J
