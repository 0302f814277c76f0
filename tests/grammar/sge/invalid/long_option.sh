# refused at 2: unknown option --time
#$ --time 1:00:00
