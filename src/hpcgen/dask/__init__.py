"""Dask inside a job. Under a launcher, `python -m hpcgen.dask ['{"dask": {"nthreads": 4}}'] PROGRAM ARGS` runs the program.

All ranks connect to rank 0, which checks them before Dask starts. Dask starts when the program opens its first Client or
calls dask_mpi.initialize. The arguments of that call override the options. Scripts contain the source of these modules as
one program: `program`, followed by `ranks`, `meeting` and `mpi` or `slurm`, or only by `local`. So the modules share one
namespace, import no other modules of hpcgen, and run on Python 3.9 and newer with Dask and dask-mpi 2022.4 and newer.
"""
