#!/bin/sh
# refused at 0: is not a number for --nslots
# flux: -n two
