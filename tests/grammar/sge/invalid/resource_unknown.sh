# refused at 2: is it this site's own?
#$ -l walltime=1:00:00
