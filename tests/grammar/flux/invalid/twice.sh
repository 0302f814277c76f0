#!/bin/sh
# refused at 5: --queue is given twice
# flux takes it
# flux: -n 1 --queue=a
# flux: -q b
