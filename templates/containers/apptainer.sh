#% if container.is_file
test -e {{ container.image|path }} || { echo "hpcgen: there is no image" {{ container.image|path }} >&2; exit 1; }
#% endif
#% if container.bind_command
APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$({{ container.bind_command|word }})" || exit
#% endif
#% if container.binds
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}{{ container.binds|listed }}$PWD"
#% else
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}$PWD"
#% endif
#% if staging
export APPTAINER_BIND="$APPTAINER_BIND,$HPCGEN_STAGED"
#% endif
#% if container.library_path
export APPTAINERENV_LD_LIBRARY_PATH="{{ container.library_path }}"
#% endif
#% if container.wrapper_image
#%   include "containers/wrapper.sh"
#% endif
