#!/bin/bash
# flux: -xul -N 2 -n 4 --urgency=20 --flags=waitable,debug
# flux: --env=OMP_NUM_THREADS=4 --env PATH --env-remove=LD_* --env=-*
# flux: --dependency=afterok:f1234 --dependency=afterany:f5678
# flux: --requires=host:tioga[10-20] --signal=USR1@2m --begin-time=+1h
# flux: --rlimit=nofile --cwd=/tmp --input=in.txt -o verbose --dump --broker-opts=-Slog=1
true
