"""Starts Dask on ranks that srun started, without MPI."""

from typing import List


def begin(config: Options, argv: List[str]) -> None:
    serve(config, argv, join_by_file(config))