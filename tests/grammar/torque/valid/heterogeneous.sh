#!/bin/bash
#PBS -l nodes=1:ppn=2:bigmem+3:ppn=4+node07
#PBS -l mem=20gb -l excl -l scratch=10gb
true
