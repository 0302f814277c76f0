# refused at 2: -gpu num=2:type=v100: no type
#BSUB -gpu "num=2:type=v100"
