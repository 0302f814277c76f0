#!/bin/sh
# refused at 4: the sentinel changes
# flux: -n 1
# FLUX: --job-name=x
