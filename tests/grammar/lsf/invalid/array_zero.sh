# refused at 2: indices from 1 on
#BSUB -J "a[0-9]"
