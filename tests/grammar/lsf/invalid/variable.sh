# refused at 2: bsub expands no variables
#BSUB -o $HOME/out
