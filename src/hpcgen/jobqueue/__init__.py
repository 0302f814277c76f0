"""dask-jobqueue from the same profile: ``cluster("gadi", …)`` is its live cluster, ``configuration(site, request)`` the dict.

A job of dask-jobqueue is one serial job of the site: it is planned and rendered as ever, and its script taken apart. Its
directives become dask-jobqueue's own keys where those write the very same line, else extra directives; its other lines
become the prologue. Nothing of Dask is imported before a cluster is asked for.
"""

from __future__ import annotations

from typing import Any, Dict, Union

from hpcgen.jobqueue.arguments import Arguments, taking
from hpcgen.jobqueue.exporting import export
from hpcgen.jobqueue.extras import Extras
from hpcgen.jobqueue.settings import Export
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request
from hpcgen.request.layers import Merged

__all__ = ["Export", "Extras", "cluster", "configuration", "export"]


def configuration(site: Site, request: Union[Request, Merged], **extras: Any) -> Dict[str, Any]:
    """What dask-jobqueue reads from Dask's configuration: ``{"jobqueue": {"pbs": {…}}}``, complete.

    `extras` are the fields of `Extras`. Raises RequestError, as `plan` does.
    """
    found = export(site, request, Extras.of(extras)).whole()
    return {"jobqueue": {found.section: {key: value for key, value, _ in found.settings}}}


@taking(Arguments)
def cluster(site: str, **arguments: Any) -> Any:
    """dask-jobqueue's live cluster for this site: PBSCluster, SLURMCluster, SGECluster or LSFCluster.

    The arguments are the fields of Request (``workers=4, cpus_per_worker=8, mem="64G", time="2h"``; numbers are seconds
    and MiB), those of `Extras`, and the arguments of the class that are about the cluster and not about its jobs
    (``n_workers``, ``asynchronous``, ``security``, ``scheduler_options``, ``protocol`` …). Your config.toml applies, as
    it does on the command line.

    Raises RequestError and SiteError; LimitError when a job is over the site's limits.
    """
    from hpcgen.jobqueue.live import made

    return made(site, arguments)
