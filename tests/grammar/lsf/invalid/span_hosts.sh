# refused at 2: is not a span
#BSUB -R "span[hosts=2]"
