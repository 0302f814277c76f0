"""A small site of the tests' own, so that no test of a rule hangs on a real machine's facts."""

from __future__ import annotations

import copy
import datetime
from typing import Any, Dict

from hpcgen.profiles.load import decode
from hpcgen.profiles.site import Site

TABLES: Dict[str, Any] = {
    "name": "Tiny",
    "operator": "nobody",
    "country": "NZ",
    "status": "active",
    "sources": {"docs": {"title": "Docs", "url": "https://example.org/docs", "read": datetime.date(2026, 1, 2)}},
    "scheduler": {"type": "slurm", "array_max": 101, "source": "docs"},
    "mpi": {"flavour": "intel", "launcher": "srun", "pmi": "pmi2", "pmi_library": "/lib64/libpmi2.so", "source": "docs"},
    "modules": {"purge": "purge", "python": ["Python/3.11"], "conda": ["Miniforge3"], "source": "docs"},
    "nodes": {
        "thin": {"cores": 16, "mem": "64G", "source": "docs"},
        "fat": {"cores": 32, "mem": "512G", "source": "docs"},
        "gpu": {"cores": 16, "mem": "128G", "gpus": 2, "gpu": "h100", "source": "docs"},
    },
    "partitions": {
        "debug": {"nodes": ["thin"], "max_time": "30m", "auto": False, "source": "docs"},
        "short": {"nodes": ["thin"], "max_time": "4h", "max_nodes": 4, "max_cpus": 64, "source": "docs"},
        "long": {"nodes": ["thin"], "max_time": "3-00:00:00", "source": "docs"},
        "big": {"nodes": ["fat"], "max_time": "1-00:00:00", "source": "docs"},
        "gpu": {"nodes": ["gpu"], "max_time": "1-00:00:00", "max_gpus": 4, "source": "docs"},
    },
}


def tables(**changes: Any) -> Dict[str, Any]:
    """The profile's tables, with keys of tables replaced: ``tables(mpi={"pmi": "pmix"})``."""
    made = copy.deepcopy(TABLES)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key].update(value)
        else:
            made[key] = value
    return made


def site(**changes: Any) -> Site:
    return decode("tiny", tables(**changes), "tiny.toml")
