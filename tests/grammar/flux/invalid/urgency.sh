#!/bin/sh
# refused at 4: is not 0 to 31
# flux takes it
# flux: -n 1 --urgency=32
