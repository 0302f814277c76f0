# refused at 2: select comes first
#BSUB -R "rusage[mem=4] select[big]"
