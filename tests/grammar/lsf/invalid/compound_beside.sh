# refused at 3: a compound requirement beside another -R
#BSUB -R "span[hosts=1]"
#BSUB -R "2*{rusage[mem=4]}+3*{rusage[mem=8]}"
