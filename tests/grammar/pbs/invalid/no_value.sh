# refused at 2: -N needs a value
#PBS -N
