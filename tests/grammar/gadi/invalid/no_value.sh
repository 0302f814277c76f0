# refused at 2: ncpus needs a value
#PBS -l ncpus
