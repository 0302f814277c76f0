# refused at 0: -cwd beside -wd
# qsub takes it
#$ -cwd
#$ -wd /tmp
