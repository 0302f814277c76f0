# refused at 2: unmatched "
#BSUB -R "span[hosts=1]
