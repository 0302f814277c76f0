# refused at 2: 'job' is not an option
#PBS -N my job
