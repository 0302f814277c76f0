# refused at 2: no digit first
#$ -N 1st
