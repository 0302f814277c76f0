"""Two jobs of dask-jobqueue, made from a file, a snippet or a profile, compute something; what they saw is printed.

    jobqueue_program.py file SLURMCluster            Dask's configuration is in $DASK_CONFIG
    jobqueue_program.py snippet snippet.py           what `hpcgen dask-jobqueue --format python` printed
    jobqueue_program.py live eagle '{"workers": 2}'  hpcgen.jobqueue.cluster
"""
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

how, what, *more = sys.argv[1:]
JOBS = 2


def square(number):
    time.sleep(0.05)
    return number * number


def seen(dask_worker):
    names = ("OMP_NUM_THREADS", "SLURM_JOB_ID", "SLURM_CPUS_PER_TASK", "JOB_ID", "NSLOTS", "CONDA_DEFAULT_ENV", "TMPDIR")
    return {
        "host": socket.gethostname(),
        "address": dask_worker.address,
        "threads": dask_worker.state.nthreads,
        "memory": dask_worker.memory_manager.memory_limit,
        "folder": dask_worker.local_directory,
        "python": sys.executable,
        "cwd": os.getcwd(),
        "env": {name: os.environ[name] for name in names if name in os.environ},
    }


def made():
    if how == "live":
        from hpcgen import jobqueue

        return jobqueue.cluster(what, **json.loads(more[0]))
    if how == "snippet":
        space = {}
        exec(compile(Path(what).read_text(), what, "exec"), space)
        return space["cluster"]
    import dask_jobqueue

    return getattr(dask_jobqueue, what)()


def main():
    from dask.distributed import Client

    with made() as cluster, Client(cluster) as client:
        script = cluster.job_script()
        begin = time.monotonic()
        if "--adapt" in more:
            # nothing runs until there is work, and what began is not ended before it has come
            cluster.adapt(minimum_jobs=0, maximum_jobs=JOBS, interval="500ms", wait_count=3)
        else:
            cluster.scale(jobs=JOBS)
            client.wait_for_workers(JOBS * cluster._dummy_job.worker_processes, timeout=90)
        total = sum(client.gather(client.map(square, range(100))))
        print(json.dumps({
            "script": script,
            "scheduler": cluster.scheduler_address,
            "total": total,
            "workers": list(client.run(seen).values()),
            "jobs": sorted(str(job.job_id) for job in cluster.workers.values()),
            "awaited": sorted(map(str, cluster.requested - cluster.observed)),
            "seconds": round(time.monotonic() - begin, 1),
            "told": [subprocess.run(["qstat", "-j", str(job.job_id)], capture_output=True, text=True).stdout
                     for job in cluster.workers.values() if what == "SGECluster" or what.endswith(".toml")],
        }))  # fmt: skip


if __name__ == "__main__":
    main()
