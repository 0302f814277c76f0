# refused at 2: each once
#BSUB -J "a[1-9,5]"
