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
#% if launch.told
ordered || export HPCGEN_BY_FILE=1   # by which the ranks meet then, and have no MPI
#% else
ordered || echo "hpcgen: the hosts are not in the order of their names: if nothing comes, cancel this job and submit it again" >&2
#% endif
