#!/bin/bash
# hpcgen 0.1.0: site gadi, facts of 2026-08-18 to 2026-11-21
# made by: hpcgen pbs --site gadi --workload mpi --account vp91 --time 12:00:00 --ntasks 200 --mem-per-cpu 3G --resource storage=gdata/vp91+gdata/access+scratch/vp91 ./um.exe
#PBS -N um.exe
#PBS -P vp91
#PBS -q normal
#PBS -l walltime=12:00:00
#PBS -l ncpus=240
#PBS -l mem=600gb
#PBS -l storage=gdata/vp91+gdata/access+scratch/vp91
#PBS -l wd
#PBS -j oe

module load openmpi/4.1.5
export OMP_NUM_THREADS=1

mpirun -x OMP_NUM_THREADS --map-by ppr:40:node -n 200 ./um.exe
