# refused at 2: is not memory
#BSUB -R "rusage[mem=4GiB]"
