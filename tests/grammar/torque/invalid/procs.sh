# refused at 3: procs beside nodes
#PBS -l nodes=2:ppn=4
#PBS -l procs=8
