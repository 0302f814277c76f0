#!/bin/sh
# flux: -n 1 -t 1500ms
true
