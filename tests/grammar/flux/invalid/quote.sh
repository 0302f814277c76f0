#!/bin/sh
# refused at 3: a quote that is not closed
# flux: -n 1 --job-name="open
