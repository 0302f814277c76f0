# refused at 4: the resource h_rt is given twice
# qsub takes it
#$ -l h_rt=3600
#$ -l h_rt=7200
