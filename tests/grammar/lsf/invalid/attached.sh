# refused at 2: unknown option -n4
#BSUB -n4
