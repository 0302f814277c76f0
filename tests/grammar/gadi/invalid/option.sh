# refused at 2: unknown option -g
#PBS -g ab12
