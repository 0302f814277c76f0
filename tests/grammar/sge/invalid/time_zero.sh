# refused at 3: is no time at all
# qsub takes it
#$ -l h_rt=0:0:0
