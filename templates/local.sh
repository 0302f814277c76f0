#!{{ job.shebang }}
#% for line in job.header
# {{ line }}
#% endfor
#% if job.chdir

cd -- {{ job.chdir|path }} || exit
#% endif
#% include "main.sh"
