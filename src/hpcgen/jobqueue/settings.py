"""The settings of dask-jobqueue, each with its origins."""

from __future__ import annotations

from typing import Any, NamedTuple, Tuple

from hpcgen.base.errors import RequestError
from hpcgen.model.job import Job, Origin

# A setting: its key, its value, and the origins of the value or, for a list, of each item.
Setting = Tuple[str, Any, Tuple[Tuple[Origin, ...], ...]]


class Export(NamedTuple):
    """All settings for dask-jobqueue. `job` is the planned job behind them, `fallback` are interfaces to try where the
    cluster is created, `command_line` are words for the submit command."""

    cluster: str
    section: str
    settings: Tuple[Setting, ...]
    header: Tuple[str, ...]
    notes: Tuple[str, ...]
    job: Job
    fallback: Tuple[str, ...]
    command_line: Tuple[str, ...] = ()

    def whole(self) -> Export:
        """The export itself. Raises RequestError if a configuration cannot express all of it."""
        if self.command_line:
            words = " ".join(self.command_line)
            raise RequestError(
                f"--account: {self.job.site} takes it only on qsub's command line ({words}), and the configuration of "
                f"dask-jobqueue cannot set that: use hpcgen.jobqueue.cluster('{self.job.site}', …)"
            )
        return self
