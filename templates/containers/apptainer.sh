export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}{{ container.binds|listed }}$PWD"
