"""The keyword arguments of `hpcgen.jobqueue.cluster`, for type checkers and for help()."""

from __future__ import annotations

import inspect
import sys
from typing import Any, Callable, Dict, Optional, Tuple, TypeVar

from hpcgen.jobqueue.extras import DEATH_TIMEOUT
from hpcgen.request.fields import Request

if sys.version_info >= (3, 10):
    from typing import Concatenate, ParamSpec
else:
    from typing_extensions import Concatenate, ParamSpec

P = ParamSpec("P")
R = TypeVar("R")


class Arguments(Request, frozen=True, kw_only=True):
    """A request, the fields of `Extras`, and the arguments of dask-jobqueue's class that are about the cluster."""

    section: Optional[str] = None
    log_directory: Optional[str] = None
    death_timeout: int = DEATH_TIMEOUT
    scheduler_interface: Optional[str] = None
    worker_args: Tuple[str, ...] = ()

    n_workers: int = 0
    asynchronous: bool = False
    name: Optional[str] = None
    dashboard_address: Optional[str] = None
    host: Optional[str] = None
    protocol: Optional[str] = None
    security: Any = None
    scheduler_options: Dict[str, Any] = {}
    scheduler_cls: Any = None
    job_cls: Any = None
    loop: Any = None
    silence_logs: Any = "error"
    shared_temp_directory: Optional[str] = None
    nanny: bool = True
    worker_command: Optional[str] = None
    lsf_units: Optional[str] = None
    use_stdin: Optional[bool] = None


def taking(arguments: Callable[P, object]) -> Callable[[Callable[..., R]], Callable[Concatenate[str, P], R]]:
    """Give a function that takes a site and any keywords the keyword parameters of `arguments`."""

    def signed(function: Callable[..., R]) -> Callable[Concatenate[str, P], R]:
        (site, *_), keywords = inspect.signature(function).parameters.values(), inspect.signature(arguments).parameters
        mine = inspect.signature(function).replace(parameters=[site, *(own for own in keywords.values() if own.name != "site")])
        vars(function)["__signature__"] = mine
        return function

    return signed
