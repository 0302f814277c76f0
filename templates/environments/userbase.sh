#!/bin/bash
#% for line in environment.header
# {{ line }}
#% endfor
set -e

#% with setup = environment.setup
#%   include "setup.sh"
#% endwith
#% for module in environment.modules
module load {{ module|word }}
#% endfor

#% if environment.compiler
# {{ environment.why }}
MPICC={{ environment.compiler|word }} {{ environment.python|path }} -m pip install --user --no-cache-dir --no-binary=mpi4py {{ environment.mpi4py|word }}
#% endif
#% if environment.pip
{{ environment.python|path }} -m pip install --user {{ environment.pip|words }}
#% endif
#% include "environments/check.sh"
