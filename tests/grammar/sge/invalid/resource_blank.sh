# refused at 2: h_rt needs a value
#$ -l h_rt = 3600
