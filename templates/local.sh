#!{{ job.shebang }}
#% for line in job.header
# {{ line }}
#% endfor
#% include "main.sh"
