# refused at 2: is not n or some of abej
#PBS -m END
