# refused at 2: is not a selection
#BSUB -R "spam[hosts=1]"
