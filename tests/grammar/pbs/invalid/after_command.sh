# refused at 4: after the first command (line 3)
#PBS -N early
echo hello
#PBS -l walltime=1:00:00
