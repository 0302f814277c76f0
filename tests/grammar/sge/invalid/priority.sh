# refused at 2: from -1023 to 1024
#$ -p 2000
