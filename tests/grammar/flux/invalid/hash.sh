#!/bin/sh
# refused at 4: an unquoted # within a word
# flux takes it
# flux: -n 1 --job-name=a#b
