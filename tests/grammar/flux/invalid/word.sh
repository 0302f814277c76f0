#!/bin/sh
# refused at 4: 'hello' is not an option
# flux: -n 1
# flux: hello
