#!/bin/bash
#$ -soft -l arch=lx-amd64 -hard -l h_cpu=1:30:00,a=lx-*
echo hello
