#!/bin/sh
# refused at 0: --exclusive needs a number of nodes
# flux: -n 2 --exclusive
