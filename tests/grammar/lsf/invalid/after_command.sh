# refused at 4: after the first command (line 3)
#BSUB -n 4
cd /tmp
#BSUB -W 1:00
