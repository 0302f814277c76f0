# refused at 3: is not a job's name
# qsub takes it
#$ -N "my job"
