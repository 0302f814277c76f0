# refused at 2: is not an affinity
#BSUB -R "affinity[cores(4)]"
