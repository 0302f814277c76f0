# refused at 2: nodect: no resource that can be asked for
#PBS -l nodect=2
