# refused at 2: is not a selection
#BSUB -R "select[type=any]"
