# refused at 2: Gadi takes the job's totals
#PBS -l mpiprocs=48
