#!/bin/sh
# flux: -n 1
# flux: --conf="""
# flux: [config]
# flux:   item = "foo"
# flux: """
true
