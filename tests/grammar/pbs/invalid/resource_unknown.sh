# refused at 2: is it this site's own?
#PBS -l jobfs=10GB
