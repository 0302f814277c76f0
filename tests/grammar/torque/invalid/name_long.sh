# refused at 2: has 16 characters, of 15 at most
#PBS -N abcdefghijklmnop
