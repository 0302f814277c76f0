# refused at 2: of which stream
#PBS -k d
