# refused at 2: mem in rusage[] is given twice
#BSUB -R "rusage[mem=4,mem=8]"
