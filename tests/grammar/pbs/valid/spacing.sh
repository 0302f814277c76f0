#!/bin/bash
# Blanks before the sentinel, several options in a line, comments and a line that begins with a colon between them.

  #PBS   -N   spaced    -joe
: not a command to qsub
##PBS -N disabled
# PBS -N comment
#PBS -Vq debug
true
