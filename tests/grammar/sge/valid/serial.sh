#!/bin/sh
#$ -l h_rt=90,gpu=1,exclusive
echo hello
