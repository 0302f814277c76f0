#% for file in setup.init
. {{ file|path }}
#% endfor
#% if setup.modules
#%   if setup.purge
module {{ setup.purge }}
#%   endif
#%   for folder in setup.use
module use {{ folder|path }}
#%   endfor
#%   for module in setup.modules
module load {{ module|word }}
#%   endfor
#% endif
#% if staging

#%   include "staging.sh"
#% endif
#% if setup.conda
. "$(conda info --base)/etc/profile.d/conda.sh"
conda activate {{ setup.conda|path }} || exit
#% endif
#% if setup.venv
. {{ setup.venv|path }}/bin/activate || exit
#% endif
#% if setup.userbase
export PYTHONUSERBASE={{ setup.userbase|path }}
export PATH="$PYTHONUSERBASE/bin:$PATH"
#% endif
#% for name, value in setup.env
export {{ name }}={{ value|word }}
#% endfor
#% if container
#%   include runtime
#% endif
