# refused at 2: unmatched "
#PBS -A "my account
