# refused at 3: span[] in two -R
#BSUB -R "span[hosts=1]"
#BSUB -R "span[ptile=4]"
