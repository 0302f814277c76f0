#% if container.pmi_library
export I_MPI_PMI_LIBRARY={{ container.pmi_library|word }}
#% endif
export SINGULARITY_BIND="${SINGULARITY_BIND:+$SINGULARITY_BIND,}{{ container.binds|listed }}$PWD"
