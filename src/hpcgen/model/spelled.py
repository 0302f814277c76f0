"""Values ready for a template, each with its origins."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from hpcgen.model.job import Job, Origin

SpelledOrigins = Mapping[str, Tuple[Origin, ...]]


class Spelled:
    """The values are attributes with their names in the template; `origins` has the origins of each."""

    def __init__(self, values: Mapping[str, Any], origins: SpelledOrigins) -> None:
        self.__dict__.update(values)
        self.origins: Dict[str, Tuple[Origin, ...]] = dict(origins)


def of_components(job: Job, *names: str) -> Tuple[Origin, ...]:
    """The origins of these fields in all components, each once."""
    found = [c.origins[name] for c in job.components for name in names if name in c.origins and getattr(c, name) is not None]
    return tuple({str(origin): origin for origin in found}.values())


def of_job(job: Job, *names: str) -> Tuple[Origin, ...]:
    """The origins of values for the whole job, by their names in `origins`."""
    return tuple(job.origins[name] for name in names if name in job.origins)
