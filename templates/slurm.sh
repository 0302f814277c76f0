#!{{ job.shebang }}
#% for line in job.header
# {{ line }}
#% endfor
#SBATCH --job-name={{ job.name|quoted }}
#SBATCH --account={{ job.account }}
#SBATCH --time={{ job.time|clock }}
#SBATCH --qos={{ job.qos }}
#SBATCH --array={{ job.array }}
#SBATCH --output={{ job.output|quoted }}
#SBATCH --error={{ job.error|quoted }}
#SBATCH --open-mode={{ job.open_mode }}
#SBATCH --chdir={{ job.chdir|quoted }}
#SBATCH --export={{ job.export }}
#SBATCH --dependency={{ job.dependency }}
#SBATCH --reservation={{ job.reservation }}
#SBATCH --signal={{ job.signal }}
#SBATCH {{ job.requeue|requeue }}
#SBATCH --comment={{ job.comment|quoted }}
#% for c in job.components
#%   if not loop.first
#SBATCH {{ job.scheduler_version|separator }}
#%   endif
#SBATCH --partition={{ c.partition }}
#SBATCH --nodes={{ c.nodes }}
#SBATCH --ntasks={{ c.ntasks }}
#SBATCH --ntasks-per-node={{ c.ntasks_per_node }}
#SBATCH --ntasks-per-core={{ c.ntasks_per_core }}
#SBATCH --cpus-per-task={{ c.cpus_per_task }}
#SBATCH --threads-per-core={{ c.threads_per_core }}
#SBATCH --hint={{ c.hint }}
#SBATCH --mem={{ c.mem_mib|size }}
#SBATCH --mem-per-cpu={{ c.mem_per_cpu_mib|size }}
#SBATCH --mem-per-gpu={{ c.mem_per_gpu_mib|size }}
#SBATCH --tmp={{ c.tmp_mib|size }}
#SBATCH --gpus={{ c.gpus|gpus }}
#SBATCH --gpus-per-node={{ c.gpus|gpus_per_node }}
#SBATCH --gpus-per-task={{ c.gpus|gpus_per_task }}
#SBATCH --gres={{ c.gres }}
#SBATCH --constraint={{ c.constraint|quoted }}
#SBATCH {{ c.exclusive|exclusive }}
#SBATCH --nodelist={{ c.nodelist }}
#SBATCH --exclude={{ c.exclude }}
#SBATCH --distribution={{ c.distribution }}
#SBATCH --licenses={{ c.licenses }}
#SBATCH --mail-type={{ job.mail_type }}
#SBATCH --mail-user={{ job.mail_user }}
#%   for directive in job.directives
#SBATCH {{ directive }}
#%   endfor
#% endfor
#% include "main.sh"
