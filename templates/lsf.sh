#!{{ job.shebang }}
#% for line in job.header
# {{ line }}
#% endfor
#BSUB -J {{ lsf.name }}
#BSUB {{ lsf.account }}
#BSUB -q {{ lsf.queue }}
#BSUB -W {{ lsf.time }}
#BSUB -n {{ lsf.slots }}
#BSUB -nnodes {{ lsf.nodes }}
#BSUB -alloc_flags {{ lsf.flags }}
#BSUB -R {{ lsf.requirement }}
#BSUB -M {{ lsf.limit }}
#BSUB -gpu {{ lsf.gpus }}
#BSUB -m {{ lsf.hosts }}
#BSUB {{ lsf.exclusive }}
#BSUB {{ lsf.output }}
#BSUB {{ lsf.error }}
#BSUB {{ lsf.begin }}
#BSUB {{ lsf.mail }}
#BSUB -u {{ job.mail_user }}
#BSUB -w {{ lsf.after }}
#BSUB -U {{ job.reservation }}
#BSUB {{ lsf.rerun }}
#BSUB {{ lsf.warning }}
#BSUB -env {{ lsf.environment }}
#BSUB -cwd {{ job.chdir }}
#BSUB -Jd {{ lsf.comment }}
#% for directive in job.directives
#BSUB {{ directive }}
#% endfor
#% include "main.sh"
