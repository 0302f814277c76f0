# refused at 2: and a blank after it
#BSUB -R "span[hosts=1]rusage[mem=4]"
