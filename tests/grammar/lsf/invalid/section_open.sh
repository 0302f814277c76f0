# refused at 2: not a section with its brackets
#BSUB -R "span[hosts=1"
