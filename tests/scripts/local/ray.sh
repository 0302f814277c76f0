#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen local --workload ray --cpus-per-task 2

main() {
    export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe

    # One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
    # Ray refuses connections without this job's token (Ray 2.52 and newer).
    RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
    # Settings for the launcher at the end of this script.
    shared='{"nodes": 1, "cpus": 2, "gpus": 0, "memory": 2048, "interfaces": ["lo"]}'
    python -c "$launcher" "$shared" -- -c "$selfcheck"
}

launcher=$(cat <<'PYTHON'
…
PYTHON
)

selfcheck=$(cat <<'PYTHON'
import os, socket, time

import ray

ray.init(logging_level="ERROR")


@ray.remote(num_cpus=1, scheduling_strategy="SPREAD")
def square(number):
    time.sleep(0.2)
    return number**2, socket.gethostname(), os.environ.get("OMP_NUM_THREADS")


for node in sorted(ray.nodes(), key=lambda node: node["NodeManagerHostname"]):
    has = node["Resources"]
    sizes = [f"{has.get(name, 0) / 2**20:.0f} MiB {name}" for name in ("memory", "object_store_memory")]
    counts = [f"{has.get(kind, 0):g} {kind}s" for kind in ("CPU", "GPU")]
    print("node", node["NodeManagerHostname"], node["NodeManagerAddress"], *counts, *sizes)
count = int(4 * ray.cluster_resources().get("CPU", 1))
done = ray.get([square.remote(number) for number in range(count)])
hosts, threads = ({str(each[place]) for each in done} for place in (1, 2))
print("tasks on", *sorted(hosts), "with OMP_NUM_THREADS", *sorted(threads))
print("Ray result:", sum(number for number, *_ in done), "of", sum(number**2 for number in range(count)))
PYTHON
)

main "$@"
