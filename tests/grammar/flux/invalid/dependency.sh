#!/bin/sh
# refused at 3: is not a dependency
# flux: -n 1 --dependency=12
