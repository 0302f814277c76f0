# refused at 2: ppn: at least 1
#PBS -l nodes=2:ppn=0
