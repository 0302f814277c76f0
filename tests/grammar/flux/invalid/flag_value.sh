#!/bin/sh
# refused at 3: --exclusive takes no value
# flux: -N 1 --exclusive=yes
