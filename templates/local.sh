#!{{ job.shebang }}
#% for line in job.header
# {{ line }}
#% endfor

#% include "setup.sh"
#% include body
