"""Ranks without MPI."""

from hpcgen.dask.meeting import numbered
from hpcgen.dask.ranks import serve


def begin(asked, argv):
    serve(asked, argv, *numbered(asked))
