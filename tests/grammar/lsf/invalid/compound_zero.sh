# refused at 2: a number of slots: at least 1
#BSUB -R "0*{rusage[mem=4]}+2*{rusage[mem=8]}"
