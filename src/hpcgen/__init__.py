"""hpcgen: batch scripts from site profiles. ``render(plan(load("mahuika"), Request(hetjob=True)))`` is all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hpcgen.base.errors import HpcgenError, LimitError, RequestError, SiteError, SubmitError, TemplateError
    from hpcgen.model.job import Job
    from hpcgen.planning.plan import plan
    from hpcgen.profiles.load import load
    from hpcgen.profiles.site import Site
    from hpcgen.request.fields import Request
    from hpcgen.script.render import render

__all__ = [
    "HpcgenError", "Job", "LimitError", "Request", "RequestError", "Site", "SiteError", "SubmitError",
    "TemplateError", "load", "plan", "render",
]  # fmt: skip

_HOMES = {
    "Job": "model.job", "Request": "request.fields", "Site": "profiles.site", "load": "profiles.load",
    "plan": "planning.plan", "render": "script.render",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Names are imported when they are first used: the command line must start in a moment."""
    if name not in __all__:
        raise AttributeError(f"module 'hpcgen' has no attribute '{name}'")
    import importlib

    value = getattr(importlib.import_module(f"hpcgen.{_HOMES.get(name, 'base.errors')}"), name)
    globals()[name] = value
    return value
