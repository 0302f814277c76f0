# refused at 2: unknown option --nodes
#BSUB --nodes 4
