# refused at 2: the arrangement of place=free:pack is given twice
#PBS -l select=1:ncpus=1,place=free:pack
