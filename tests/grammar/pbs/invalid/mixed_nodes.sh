# refused at 2: nodes outside of select, beside it
#PBS -l nodes=2:ppn=4 -l select=2:ncpus=4
