import os, socket, sys

print("host", socket.gethostname())
print("Python", sys.version.split()[0], sys.executable)
print("CPUs", *sorted(os.sched_getaffinity(0)))
print("GPUs", os.environ.get("CUDA_VISIBLE_DEVICES", "none"))
