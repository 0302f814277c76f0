#!{{ job.shebang }}
#% for line in job.header
# {{ line }}
#% endfor
# flux: --job-name={{ job.name }}
# flux: {{ flux.account }}
# flux: --queue={{ flux.queue }}
# flux: --time-limit={{ flux.time }}
# flux: --nodes={{ flux.nodes }}
# flux: --nslots={{ flux.slots }}
# flux: --cores-per-slot={{ flux.cores }}
# flux: --gpus-per-slot={{ flux.gpus }}
# flux: {{ flux.exclusive }}
# flux: --requires={{ flux.requires }}
# flux: --output={{ flux.output }}
# flux: --error={{ flux.error }}
#% for dependency in flux.dependencies
# flux: --dependency={{ dependency }}
#% endfor
# flux: --signal={{ flux.signal }}
#% for rule in flux.environment
# flux: --env={{ rule }}
#% endfor
# flux: --cwd={{ flux.chdir }}
#% for attribute in flux.attributes
# flux: --setattr={{ attribute }}
#% endfor
# flux: --setattr={{ flux.comment }}
#% for directive in job.directives
# flux: {{ directive }}
#% endfor
#% include "main.sh"
