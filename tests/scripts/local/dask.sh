#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen local --workers 4 dask_example.py

main() {
    export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
    export OMP_NUM_THREADS=1

    # Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
    # Settings for the launcher at the end of this script.
    shared='{"ranks": 6, "interfaces": ["lo"]}'
    workers='{"dask": {"nthreads": 1, "memory_limit": "896MiB"}}'
    mpiexec -n 6 python -c "$launcher" "$shared" "$workers" -- dask_example.py
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

main "$@"
