#% if container.is_file
test -e {{ container.image|path }} || { echo "hpcgen: there is no image" {{ container.image|path }} >&2; exit 1; }
#% endif
#% if container.bind_command
SINGULARITY_BIND="${SINGULARITY_BIND:+$SINGULARITY_BIND,}$({{ container.bind_command|word }})" || exit
#% endif
#% if container.binds
export SINGULARITY_BIND="${SINGULARITY_BIND:+$SINGULARITY_BIND,}{{ container.binds|listed }}$PWD"
#% else
export SINGULARITY_BIND="${SINGULARITY_BIND:+$SINGULARITY_BIND,}$PWD"
#% endif
#% if staging
export SINGULARITY_BIND="$SINGULARITY_BIND,$HPCGEN_STAGED"
#% endif
#% if container.library_path
export SINGULARITYENV_LD_LIBRARY_PATH="{{ container.library_path }}"
#% endif
#% if container.wrapper_image
#%   include "containers/wrapper.sh"
#% endif
