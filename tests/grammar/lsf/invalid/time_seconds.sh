# refused at 2: is not [hours:]minutes
#BSUB -W 01:00:00
