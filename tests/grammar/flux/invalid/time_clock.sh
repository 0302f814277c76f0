#!/bin/sh
# refused at 3: is not a duration
# flux: -n 1 -t 01:00:00
