# refused at 2: is not y[es] or n[o]
#$ -j oe
