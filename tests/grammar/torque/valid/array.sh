#!/bin/bash
#PBS -t 1-3,10%2
#PBS -l procs=8
#PBS -W depend=afterokarray:12[].srv
true
