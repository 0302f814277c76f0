"""hpcgen writes batch scripts from site profiles: ``render(plan(load("mahuika"), Request(hetjob=True)))``.

``sites()`` maps the id of each site to the path of its profile. ``submit(job, path)`` submits the job's script, which is in the
file at `path`, and returns the job's id.
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

# The module that defines each name and, if the name differs there, that name. The errors are in base.errors.
_HOMES = {
    "Job": "model.job", "Request": "request.fields", "Site": "profiles.site", "load": "profiles.load",
    "plan": "planning.plan", "render": "script.render", "sites": "profiles.listing:listing", "submit": "script.submit",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that the command line starts fast."""
    if name not in __all__:
        raise AttributeError(f"module 'hpcgen' has no attribute '{name}'")
    import importlib

    module, _, own = _HOMES.get(name, "base.errors").partition(":")
    value = getattr(importlib.import_module(f"hpcgen.{module}"), own or name)
    globals()[name] = value
    return value
