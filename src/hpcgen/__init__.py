"""hpcgen: batch scripts from site profiles. ``render(plan(load("mahuika"), Request(hetjob=True)))`` is all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hpcgen.errors import HpcgenError, LimitError, RequestError, SiteError, SubmitError, TemplateError
    from hpcgen.job import Job
    from hpcgen.planning import plan
    from hpcgen.rendering import render
    from hpcgen.request import Request
    from hpcgen.site import Site, load

__all__ = [
    "HpcgenError", "Job", "LimitError", "Request", "RequestError", "Site", "SiteError", "SubmitError",
    "TemplateError", "load", "plan", "render",
]  # fmt: skip

_HOMES = {"Job": "job", "plan": "planning", "render": "rendering", "Request": "request", "Site": "site", "load": "site"}


def __getattr__(name: str) -> Any:
    """Names are imported when they are first used: the command line must start in a moment."""
    if name not in __all__:
        raise AttributeError(f"module 'hpcgen' has no attribute '{name}'")
    import importlib

    value = getattr(importlib.import_module(f"hpcgen.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value
