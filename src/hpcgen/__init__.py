"""hpcgen: batch scripts from site profiles. ``render(plan(load("mahuika"), Request(hetjob=True)))`` is all of it.

``sites()`` lists the machines: the path of each profile by the site's id. ``submit(job, path)`` submits a job whose script
is in the file at `path`, and returns the job's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hpcgen.base.errors import HpcgenError, LimitError, Problem, RequestError, SiteError, SubmitError, TemplateError
    from hpcgen.model.job import Job
    from hpcgen.planning.plan import plan
    from hpcgen.profiles.listing import listing as sites
    from hpcgen.profiles.load import load
    from hpcgen.profiles.site import Site
    from hpcgen.request.fields import Request
    from hpcgen.script.render import render
    from hpcgen.script.submit import submit

__all__ = [
    "HpcgenError", "Job", "LimitError", "Problem", "Request", "RequestError", "Site", "SiteError", "SubmitError",
    "TemplateError", "load", "plan", "render", "sites", "submit",
]  # fmt: skip

# Where a name is defined: its module and, if it has another name there, that name. The errors are in base.errors.
_HOMES = {
    "Job": "model.job", "Request": "request.fields", "Site": "profiles.site", "load": "profiles.load",
    "plan": "planning.plan", "render": "script.render", "sites": "profiles.listing:listing", "submit": "script.submit",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Names are imported when they are first used: the command line must start in a moment."""
    if name not in __all__:
        raise AttributeError(f"module 'hpcgen' has no attribute '{name}'")
    import importlib

    module, _, own = _HOMES.get(name, "base.errors").partition(":")
    value = getattr(importlib.import_module(f"hpcgen.{module}"), own or name)
    globals()[name] = value
    return value
