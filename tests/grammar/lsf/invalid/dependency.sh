# refused at 2: is not a dependency
#BSUB -w "finished(12)"
