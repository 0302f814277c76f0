# refused at 2: span[] in one string is given twice
#BSUB -R "span[hosts=1] span[ptile=4]"
