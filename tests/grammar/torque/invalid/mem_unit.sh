# refused at 2: is not a size
#PBS -l mem=4GiB
