"""Other Debians in folders of their own: newer Slurms, and Apptainer."""
from __future__ import annotations

from pathlib import Path

from .mpi import CACHE

SUITES = {"": "/", "trixie": "roots/trixie", "unstable": "roots/unstable"}


def root(suite: str) -> Path:
    return CACHE / SUITES[suite]


def pmi_library(suite: str) -> Path:
    """Slurm's PMI-2 client library, in whichever folder this machine's architecture has it."""
    found = sorted((root(suite) / "usr/lib").glob("*/libpmi2.so.0"))
    if not found:
        raise FileNotFoundError(f"libpmi2.so.0 under {root(suite)}: install libpmi2-0")
    return found[0]
