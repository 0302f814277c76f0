# refused at 3: after the first command (line 2)
cd /tmp
#PBS -l nodes=1
