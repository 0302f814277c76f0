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
    print("node", node["NodeManagerHostname"], node["NodeManagerAddress"], f"{has.get('CPU', 0):g} CPUs", f"{has.get('GPU', 0):g} GPUs", *sizes)
count = int(4 * ray.cluster_resources().get("CPU", 1))
done = ray.get([square.remote(number) for number in range(count)])
print("tasks on", *sorted({host for _, host, _ in done}), "with OMP_NUM_THREADS", *sorted({str(threads) for *_, threads in done}))
print("Ray result:", sum(number for number, *_ in done), "of", sum(number**2 for number in range(count)))
