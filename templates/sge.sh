#!{{ job.shebang }}
#% for line in job.header
# {{ line }}
#% endfor
#$ -S {{ sge.shell }}
#$ -N {{ job.name }}
#$ {{ sge.account }}
#$ -q {{ sge.queue }}
#$ -l h_rt={{ job.time|hms }}
#$ -l s_rt={{ sge.soft_time }}
#$ -pe {{ sge.pe }}
#$ -l {{ sge.nodes }}
#$ -l {{ sge.memory }}
#$ -l {{ sge.gpus }}
#$ -l {{ sge.disk }}
#$ -l {{ sge.exclusive }}
#$ {{ sge.constraint }}
#$ -l {{ sge.hosts }}
#% for name, value in job.resources
#$ -l {{ name }}={{ value }}
#% endfor
#$ -t {{ sge.array }}
#$ -tc {{ sge.throttle }}
#$ {{ sge.workdir }}
#$ -wd {{ job.chdir }}
#$ -j {{ sge.join }}
#$ -o {{ sge.output }}
#$ -e {{ sge.error }}
#$ -m {{ sge.mail }}
#$ -M {{ job.mail_user }}
#$ -hold_jid {{ sge.hold }}
#$ -ar {{ job.reservation }}
#$ -r {{ job.requeue|yesno }}
#$ {{ sge.all_variables }}
#$ -v {{ sge.names }}
#% for directive in job.directives
#$ {{ directive }}
#% endfor
#% if sge.flags

set {{ sge.flags }}
#% endif
#% include "main.sh"
