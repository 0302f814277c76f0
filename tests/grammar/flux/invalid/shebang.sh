# refused at 1: a batch script begins with #!
# flux: -n 1
