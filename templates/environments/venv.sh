#!/bin/bash
#% for line in environment.header
# {{ line }}
#% endfor
set -e

#% with setup = loaded
#%   include "setup.sh"
#% endwith
#% for module in environment.modules
module load {{ module|word }}
#% endfor
#% if environment.inherits
{{ environment.python|path }} -m venv --system-site-packages {{ environment.place|path }}
#% else
{{ environment.python|path }} -m venv {{ environment.place|path }}
#% endif
#% with setup = activated
#%   include "setup.sh"
#% endwith

#% if environment.compiler
# {{ environment.why }}
MPICC={{ environment.compiler|word }} python -m pip install --no-cache-dir --no-binary=mpi4py {{ environment.mpi4py|word }}
#% endif
#% if environment.pip
python -m pip install {{ environment.pip|words }}
#% endif
#% include "environments/check.sh"
