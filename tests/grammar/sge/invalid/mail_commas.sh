# refused at 2: without commas
#$ -m b,e
