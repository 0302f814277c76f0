# refused at 2: -N needs a value
#$ -N
