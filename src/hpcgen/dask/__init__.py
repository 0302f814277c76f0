"""Dask inside a job. Under a launcher, `python -m hpcgen.dask ['{"dask": {"nthreads": 4}}'] PROGRAM ARGS` runs the program.

All ranks meet and are checked before Dask starts. Dask starts when the program opens its first Client or calls
dask_mpi.initialize, and arguments of that call override the options. Scripts carry the text of these modules as one
program: `program`, then `ranks`, `meeting` and `mpi` or `slurm`, or only `local`. So they share one namespace, import
nothing else of hpcgen, and run on Python 3.9 and newer, and on Dask and dask-mpi from 2022.4 on.
"""
