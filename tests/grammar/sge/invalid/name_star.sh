# refused at 2: is not a job's name
#$ -N a*b
