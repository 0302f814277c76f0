# refused at 2: is no time at all
#BSUB -W 0:00
