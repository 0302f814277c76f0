# refused at 2: seconds, or H:M:S
#$ -l h_rt=1-00:00:00
