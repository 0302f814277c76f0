# Slurm's PMI-2 joins components in the order of their hosts' names alone: in another, unequal ones wait for ever in MPI_Init.
ordered() {
    local hosts
    hosts=$(
#% for name in launch.unordered
        scontrol show hostnames "${{ name }}"
#% endfor
    )
    [ "$hosts" = "$(LC_ALL=C sort -V <<<"$hosts")" ]
}
