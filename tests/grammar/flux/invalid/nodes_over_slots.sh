#!/bin/sh
# refused at 0: 4 nodes for 2 slots
# flux: -N 4 -n 2
