#!/bin/sh
# refused at 4: is no time at all
# flux takes it
# flux: -n 1 -t 0
