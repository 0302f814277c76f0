# refused at 2: 'mem=4G' is not an option
#$ -l h_rt=3600 mem=4G
