# refused at 2: seconds, or H:M:S with both colons
#$ -l h_rt=1:00
