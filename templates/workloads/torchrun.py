import os, socket, sys

import torch
import torch.distributed as dist

gpu = torch.cuda.is_available()
if gpu:
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
dist.init_process_group("nccl" if gpu else "gloo")
rank, size = dist.get_rank(), dist.get_world_size()
total = torch.tensor([rank + 1.0], device="cuda" if gpu else "cpu")
dist.all_reduce(total)
what = [torch.cuda.get_device_name() if gpu else "CPU", torch.get_num_threads(), "threads, master", os.environ["MASTER_ADDR"]]
what += ["interface", os.environ.get("GLOO_SOCKET_IFNAME", "-")]
sys.stdout.write(" ".join(map(str, ["rank", rank, "of", size, "on", socket.gethostname(), *what])) + "\n")
dist.barrier()
if rank == 0:
    print("PyTorch", torch.__version__, dist.get_backend(), "sum", int(total.item()), "of", size * (size + 1) // 2)
dist.destroy_process_group()
