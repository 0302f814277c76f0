# refused at 2: a blank after #BSUB
#BSUB-n 4
