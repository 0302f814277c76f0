# refused at 2: expands no variables
#PBS -o $HOME/out.txt
