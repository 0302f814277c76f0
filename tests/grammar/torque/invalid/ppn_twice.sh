# refused at 2: ppn is given twice
#PBS -l nodes=2:ppn=4:ppn=8
