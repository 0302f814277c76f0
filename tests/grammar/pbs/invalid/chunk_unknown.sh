# refused at 2: ppn cannot be asked for in a chunk
#PBS -l select=2:ppn=4
