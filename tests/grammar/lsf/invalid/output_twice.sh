# refused at 3: output, by either of its options, is given twice
#BSUB -o a
#BSUB -oo b
