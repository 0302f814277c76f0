# refused at 3: minutes and seconds go to 59
# qsub takes it
#$ -l h_rt=1:90:00
