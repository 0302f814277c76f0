# refused at 2: minutes and seconds go to 59
#PBS -l walltime=1:90:00
