#!/bin/sh
# refused at 3: a quote that is not closed
# flux: -n 1 --conf="""a = 1
# flux: """
