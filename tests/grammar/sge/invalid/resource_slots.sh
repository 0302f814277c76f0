# refused at 2: slots are asked for with -pe
#$ -l slots=4
