# refused at 3: is not memory
# qsub takes it
#$ -l mem=1.5G
