#!/bin/bash
#PBS -J 0-9
#PBS -r y
#PBS -l ncpus=1,mem=4GB,wd
true
