"""What each process of torchrun sees; `fail N` ends rank 1 with status N."""
import json
import os
import resource
import socket
import sys

import torch
import torch.distributed as dist

dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
total = torch.tensor([float(rank)])
dist.all_reduce(total)
mine = {
    "rank": rank, "size": size, "host": socket.gethostname(), "sum": total.item(), "master": os.environ["MASTER_ADDR"],
    "threads": torch.get_num_threads(), "cpus": len(os.sched_getaffinity(0)), "argv": sys.argv[1:],
    "rss_mib": resource.getrlimit(resource.RLIMIT_RSS)[0] >> 20,  # the job's memory on the host, as Slurm sets it
    "interfaces": [os.environ.get(name) for name in ("NCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME")],
}  # fmt: skip
sys.stdout.write("facts " + json.dumps(mine) + "\n")  # in one piece
sys.stdout.flush()
dist.barrier()
if sys.argv[1:2] == ["fail"] and rank == 1:
    sys.exit(int(sys.argv[2]))
dist.destroy_process_group()
