#!/bin/sh
# refused at 4: is not some of debug, waitable, novalidate
# flux takes it
# flux: -n 1 --flags=fast
