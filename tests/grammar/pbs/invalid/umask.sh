# refused at 2: is not a value of umask
#PBS -W umask=099
