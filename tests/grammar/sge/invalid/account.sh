# refused at 2: is not an account's name
#$ -A a:b
