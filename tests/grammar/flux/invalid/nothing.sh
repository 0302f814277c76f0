#!/bin/sh
# refused at 0: neither slots (-n) nor nodes (-N)
# flux: -t 1h
