#!/bin/sh
# refused at 3: unknown option --time
# flux: -n 1 --time=1h
