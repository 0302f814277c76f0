# refused at 2: 'rusage[mem=4]' is not an option
#BSUB -R span[hosts=1] rusage[mem=4]
