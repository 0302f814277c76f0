#!/bin/bash
# Directives count wherever they stand, and a comment may end one.
echo hello
#$ -N late # the name
#$-l h_rt=1::
#$
##$ -N nothing
# $ -N nothing
