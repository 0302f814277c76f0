# refused at 2: ncpus cannot be asked for per node
#PBS -l nodes=2:ncpus=4
