"""What dask-jobqueue is told: its settings, each with its origins."""

from __future__ import annotations

from typing import Any, NamedTuple, Tuple

from hpcgen.base.errors import RequestError
from hpcgen.model.job import Job, Origin

# A setting: its key, its value, and the origins of the value or, of a list, of each item.
Setting = Tuple[str, Any, Tuple[Tuple[Origin, ...], ...]]


class Export(NamedTuple):
    """All that dask-jobqueue is told; `job` is the planned job that it comes from, `fallback` are interfaces to try where
    the cluster is made, `command_line` are words for the submitting command itself."""

    cluster: str
    section: str
    settings: Tuple[Setting, ...]
    header: Tuple[str, ...]
    notes: Tuple[str, ...]
    job: Job
    fallback: Tuple[str, ...]
    command_line: Tuple[str, ...] = ()

    def whole(self) -> Export:
        """The export itself. Raises RequestError where a configuration cannot say all of it."""
        if self.command_line:
            words = " ".join(self.command_line)
            raise RequestError(
                f"--account: {self.job.site} takes it on qsub's command line alone ({words}), which no configuration of "
                f"dask-jobqueue can say: use hpcgen.jobqueue.cluster('{self.job.site}', …)"
            )
        return self
