"""Dask inside a job: `python -m hpcgen.dask ['{"nthreads": 4}'] program args`, under a launcher, runs the program on rank 1.

All ranks are connected and looked at before Dask starts: that is when the program opens its first Client, or calls
dask_mpi.initialize, whose arguments win. Scripts carry the text of these modules, so they import nothing else of hpcgen
and speak Python 3.9 and dask-mpi 2022.4 up to today's: `program`, then `ranks` and `mpi` or `slurm`, or `local`.
"""
