#!{{ job.shebang }}
#% for line in job.header
# {{ line }}
#% endfor
#PBS -N {{ job.name }}
#PBS {{ pbs.account }}
#PBS -q {{ pbs.queue }}
#PBS -l walltime={{ job.time|hms }}
#PBS -l select={{ pbs.select }}
#PBS -l place={{ pbs.place }}
#PBS -l nodes={{ pbs.nodes }}
#PBS -l ncpus={{ pbs.ncpus }}
#PBS -l ngpus={{ pbs.ngpus }}
#PBS -l mem={{ pbs.mem }}
#PBS -l {{ pbs.disk }}
#% for name, value in job.resources
#PBS -l {{ name }}={{ value }}
#% endfor
#PBS -l {{ pbs.qos }}
#PBS -l {{ pbs.wd }}
#PBS {{ pbs.array }}
#PBS -j {{ pbs.join }}
#PBS -o {{ pbs.output }}
#PBS -e {{ pbs.error }}
#PBS -m {{ pbs.mail }}
#PBS -M {{ job.mail_user }}
#PBS -W depend={{ job.dependency }}
#PBS -r {{ job.requeue|yesno }}
#PBS {{ pbs.all_variables }}
#PBS -v {{ pbs.names }}
#% for directive in job.directives
#PBS {{ directive }}
#% endfor
#% if job.chdir

cd -- {{ job.chdir|path }} || exit
#% elif not pbs.wd

cd "$PBS_O_WORKDIR" || exit
#% endif
#% include "main.sh"
