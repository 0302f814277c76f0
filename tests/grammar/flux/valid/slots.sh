#!/bin/bash
# flux: --job-name=solver
# flux: -N 2 -n 8 -c 12 -g 1
# flux: -t 90m
# flux: --queue=pbatch --bank=guests
# flux: --output=logs/{{id}}.out --error=logs/{{id}}.err
# flux: --exclusive

flux run -n 8 -c 12 -g 1 ./solver
