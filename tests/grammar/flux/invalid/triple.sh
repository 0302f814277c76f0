#!/bin/sh
# refused at 3: triple quotes that are never closed
# flux: -n 1 --conf="""
# flux: [config]
