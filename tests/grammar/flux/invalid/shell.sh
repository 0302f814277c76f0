#!/bin/sh
# refused at 4: ; outside of quotes
# flux takes it
# flux: -n 1 --job-name=a;b
