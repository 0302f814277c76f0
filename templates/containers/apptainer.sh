#% if container.is_file
test -e {{ container.image|path }} || { echo "hpcgen: there is no image" {{ container.image|path }} >&2; exit 1; }
#% endif
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}{{ container.binds|listed }}$PWD"
#% if container.library_path
export APPTAINERENV_LD_LIBRARY_PATH="{{ container.library_path }}"
#% endif
