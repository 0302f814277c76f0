# refused at 3: -n is given twice
#BSUB -n 4
#BSUB -n 8
