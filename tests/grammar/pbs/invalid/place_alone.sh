# refused at 2: place without select
#PBS -l place=scatter
