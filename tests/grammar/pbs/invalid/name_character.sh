# refused at 2: is not a job's name
#PBS -N a/b
