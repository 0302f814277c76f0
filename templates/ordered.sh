# Slurm's PMI-2 joins components only if their hosts are in the order of their names. Otherwise MPI_Init hangs.
hosts=$(
#% for name in launch.unordered
    scontrol show hostnames "${{ name }}"
#% endfor
) || :
#% if launch.by_launcher
[ "$hosts" = "$(LC_ALL=C sort -V <<<"$hosts")" ] || export HPCGEN_BY_FILE=1   # the ranks connect through a file, without MPI
#% else
[ "$hosts" = "$(LC_ALL=C sort -V <<<"$hosts")" ] ||
    echo "hpcgen: MPI may hang because the hosts are not in the order of their names: if there is no output after a minute, cancel this job and resubmit it" >&2
#% endif
