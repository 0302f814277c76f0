#!/bin/sh
# refused at 3: unknown option --ntasks
# flux: --ntasks=4
