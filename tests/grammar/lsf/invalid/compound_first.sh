# refused at 2: only the last number of slots may be left out
#BSUB -R "1*{rusage[mem=4]}+{rusage[mem=4]}+2*{rusage[mem=8]}"
