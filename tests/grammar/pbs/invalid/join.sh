# refused at 2: is not oe, eo or n
#PBS -j yes
