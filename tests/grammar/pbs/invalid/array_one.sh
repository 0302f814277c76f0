# refused at 2: holds nothing, or one index only
#PBS -J 3-3
