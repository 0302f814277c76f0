#!/bin/bash
#BSUB -R "{select[big] rusage[mem=8GB]}||{2*{rusage[mem=4GB]}+2*{rusage[mem=1GB]}}@5"
true
