#!/bin/sh
#PBS -l select=ncpus=4
true
