# refused at 2: storage has gdata/ab12 twice
#PBS -l storage=gdata/ab12+gdata/ab12
