#!/bin/sh
# refused at 0: a number for --cores-per-slot: at least 1
# flux: -n 2 -c 0
