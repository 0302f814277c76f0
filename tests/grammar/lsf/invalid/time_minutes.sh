# refused at 2: minutes go to 59
#BSUB -W 1:90
