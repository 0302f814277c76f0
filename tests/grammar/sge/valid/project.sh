#!/bin/bash
# qsub refuses: no such project and queue are configured here
#$ -P Gold -q short.q@@bigmem,long.q
echo hello
