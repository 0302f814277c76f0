# refused at 2: no || in a compound requirement
#BSUB -R "2*{rusage[lic=4||lic2=4]}+3*{rusage[mem=8]}"
