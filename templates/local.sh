#!{{ job.shebang }}
#% for line in job.header
# {{ line }}
#% endfor
#% if prepared

#%   include "setup.sh"
#% endif
#% include body
