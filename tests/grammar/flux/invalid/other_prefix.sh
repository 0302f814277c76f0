#!/bin/sh
# refused at 5: a directive after line 4
# flux: -n 1
; date
# flux: --job-name=late
