#!/bin/sh
# A number without a unit is minutes here.
# flux: -n1 -t 90
true
