"""What a Ray program sees: `ray.init()`, the nodes, tasks on each; then it ends as its first argument says."""
import json
import os
import signal
import socket
import sys
import time

import ray

ray.init(*(["auto"] if "auto" in sys.argv else []), logging_level="ERROR")
print("head", socket.gethostname(), json.dumps(sys.argv[1:]), len(os.sched_getaffinity(0)), flush=True)
for node in ray.nodes():
    has = node["Resources"]
    names = ("CPU", "GPU", "memory", "object_store_memory")
    print(
        "node", node["NodeManagerHostname"], node["NodeManagerAddress"], *(int(has.get(name, 0)) for name in names), flush=True
    )


@ray.remote(num_cpus=1)
def where(seconds):
    time.sleep(seconds)
    return socket.gethostname(), ray.get_gpu_ids(), os.environ.get("OMP_NUM_THREADS"), len(os.sched_getaffinity(0))


def warned(*_):
    """Where Slurm signals all processes of a step, and not its tasks only, a second time means nothing."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    sys.exit(7)


cpus = int(ray.cluster_resources()["CPU"])
each = cpus // len(ray.nodes()) if "whole" in sys.argv else 1  # a task may have all of a node
spread = where.options(scheduling_strategy="SPREAD", num_cpus=each)
done = ray.get([spread.remote(0.5) for _ in range(2 * cpus // each)])
print("tasks", json.dumps([sorted({host for host, *_ in done}), sorted({(threads, n) for *_, threads, n in done})]), flush=True)
end = sys.argv[1] if sys.argv[1:] else "0"
if end.startswith("sleep"):
    signal.signal(signal.SIGUSR1, warned)
    time.sleep(float(end[5:]))
elif end == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
elif end == "raise":
    raise ValueError("on purpose")
elif end.isdigit():
    sys.exit(int(end))
