#!/bin/sh
# refused at 4: an unquoted #
# flux takes it
# flux: -n 1 --job-name=a#b
