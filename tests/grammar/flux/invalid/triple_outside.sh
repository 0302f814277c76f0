#!/bin/sh
# refused at 3: triple quotes that are open at line 5
# flux: -n 1 --conf="""
# flux: [config]
true
# flux: """
