# refused at 2: is not a project
#PBS -P a/b
