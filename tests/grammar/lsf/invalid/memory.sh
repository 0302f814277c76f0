# refused at 2: is not memory
#BSUB -M 1.5GB
