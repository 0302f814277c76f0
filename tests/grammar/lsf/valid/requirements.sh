#!/bin/bash
#BSUB -n 4,8
#BSUB -R "select[type==any && (ncpus>=4 || !gpu)] order[-ut:r1m] same[type:model]"
#BSUB -R "rusage[mem=20:swp=50:duration=1h:decay=1,lic=1/job:duration=2||lic2=1]" -R span[hosts=1]
#BSUB -R "cu[type=rack:pref=maxavail:maxcus=2]"
true
