# refused at 2: none, and something
#BSUB -env "none, A=1"
