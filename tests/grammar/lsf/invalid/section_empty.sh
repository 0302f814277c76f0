# refused at 2: span[] is empty
#BSUB -R "span[]"
