#!/bin/sh
# refused at 4: the sentinel changes from '# flux:'
# flux: -n 1
#flux: --job-name=x
