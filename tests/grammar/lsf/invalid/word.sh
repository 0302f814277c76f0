# refused at 2: 'walltime' is not an option
#BSUB -n 4 walltime
