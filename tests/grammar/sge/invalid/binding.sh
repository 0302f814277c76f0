# refused at 2: is not a value of -binding
#$ -binding spread
