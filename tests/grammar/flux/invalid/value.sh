#!/bin/sh
# refused at 3: --queue needs a value
# flux: -n 1 --queue
