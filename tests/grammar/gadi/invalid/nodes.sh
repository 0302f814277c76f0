# refused at 2: Gadi takes the job's totals
#PBS -l nodes=2:ppn=48
