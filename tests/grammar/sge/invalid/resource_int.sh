# refused at 2: gpu: 'two' is not a whole number
#$ -l gpu=two
