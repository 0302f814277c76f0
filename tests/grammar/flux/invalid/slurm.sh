#!/bin/sh
# refused at 3: unknown option -p
# flux: -n 1 -p batch
