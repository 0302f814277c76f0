# refused at 2: is not memory
#$ -l mem=4GB
