# refused at 2: ppn: no resource that can be asked for
#PBS -l ppn=4
