# refused at 2: 'mode=shared' is not an option
#BSUB -gpu num=2 mode=shared
