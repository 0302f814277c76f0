#!/bin/bash
# Bytes without a unit, words of eight bytes, either case.
#PBS -l select=1:ncpus=1:mem=1048576+1:ncpus=1:mem=2KW+1:ncpus=1:mem=1GB
true
