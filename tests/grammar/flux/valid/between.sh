#!/bin/sh
# Directives may stand between comments of the same prefix, and blank lines.
# flux: -n 2

# The name:
# flux: --job-name=test

# flux: # --queue=debug
true
