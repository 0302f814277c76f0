# refused at 2: is not an amount of mem
#BSUB -R "rusage[mem=4GB/slot]"
