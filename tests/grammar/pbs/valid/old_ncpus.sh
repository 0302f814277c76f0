#!/bin/bash
#PBS -l ncpus=8 -l mem=1536mb
true
