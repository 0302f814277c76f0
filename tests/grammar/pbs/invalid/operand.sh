# refused at 2: 'select=1' is not an option
#PBS select=1
