#!/bin/sh
# refused at 4: 'script.sh' is not an option
# flux takes it
# flux: -n 1 script.sh
