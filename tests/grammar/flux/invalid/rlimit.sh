#!/bin/sh
# refused at 3: is not a limit's name
# flux: -n 1 --rlimit=default
