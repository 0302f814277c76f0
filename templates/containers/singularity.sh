export SINGULARITY_BIND="${SINGULARITY_BIND:+$SINGULARITY_BIND,}{{ container.binds|listed }}$PWD"
