# refused at 3: the parts have 5 slots, -n 4
#BSUB -n 4
#BSUB -R "2*{rusage[mem=4]}+3*{rusage[mem=8]}"
