# refused at 3: h_rt needs a value
# qsub takes it
#$ -l h_rt
