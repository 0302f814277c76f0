# refused at 2: is not n or some of abef
#PBS -m j
