#% if container.pmi_library
export I_MPI_PMI_LIBRARY={{ container.pmi_library|word }}
#% endif
export APPTAINER_BIND="${APPTAINER_BIND:+$APPTAINER_BIND,}{{ container.binds|listed }}$PWD"
