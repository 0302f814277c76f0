#!/bin/sh
# flux: -n 1 --job-name="my \"first\" job"
# flux: --setattr=user.a='{"key": 42}' -S user.b="""It's a "job" """
# flux: --setattr=user.c=a\ b -S d
true
