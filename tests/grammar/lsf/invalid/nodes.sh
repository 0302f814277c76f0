# refused at 0: -nnodes beside -n or -R
#BSUB -nnodes 4
#BSUB -n 16
