"""Starts Dask on ranks that srun started, without MPI."""

from typing import List

from hpcgen.dask.meeting import join_by_file
from hpcgen.dask.program import Options
from hpcgen.dask.ranks import serve


def begin(config: Options, argv: List[str]) -> None:
    serve(config, argv, join_by_file(config))
