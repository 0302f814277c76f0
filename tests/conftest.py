"""Tests see no defaults of whoever runs them and write nothing into their folders, and are marked by what they need."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import List

import pytest

HERE = Path(__file__).parent
# Modules and tests that run the environments of tests/cluster/install. `make check` leaves them to `make test`.
PREPARED = {"test_dask_run.py", "test_launchers.py", "test_local_run.py", "test_ray.py::test_on_this_machine"}


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is imported: some read profiles then, and hpcgen keeps what it has read in its cache."""
    home = tempfile.TemporaryDirectory(prefix="hpcgen-tests-")
    config.add_cleanup(home.cleanup)
    os.environ.update(XDG_CONFIG_HOME=f"{home.name}/config", XDG_CACHE_HOME=f"{home.name}/cache")
    for name in ("HPCGEN_PATH", "SBATCH_ACCOUNT"):
        os.environ.pop(name, None)


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(HERE) if HERE in item.path.parents else item.path
        if place.parts[0] == "cluster":
            item.add_marker("cluster")
        elif PREPARED & {str(place), f"{place}::{item.name.partition('[')[0]}"}:
            item.add_marker("prepared")
