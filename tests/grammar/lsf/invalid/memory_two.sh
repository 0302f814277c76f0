# refused at 3: mem in the rusage[] of two -R
#BSUB -R "rusage[mem=4GB]"
#BSUB -R "rusage[mem=8GB]"
