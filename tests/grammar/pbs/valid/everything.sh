#!/bin/bash
#PBS -a 2612312359.30
#PBS -c w=30 -h
#PBS -e host1:err/
#PBS -k doe
#PBS -m jabe -M me@example.org,you
#PBS -p -1024
#PBS -P my_project
#PBS -q workq@server1
#PBS -r y
#PBS -R oe
#PBS -S /bin/bash@mars,/usr/bin/bash@jupiter
#PBS -J 0-99:3%10
#PBS -v "LIST='a,b,c'",HOME=/home/me,PATH
#PBS -V
#PBS -W depend=afterok:12.srv:13,afterany:14[].srv,umask=0027 -W group_list=chem -W block=true
true
