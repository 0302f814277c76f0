#!/bin/bash
# A small letter is a power of 1000, a large one of 1024.
#$ -l mem=1024k
echo hello
