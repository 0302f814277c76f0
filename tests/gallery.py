"""Snapshots that are files one can open, in a folder of their own: the galleries of scripts and of environments."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Type

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


def beside(folder: Path, ending: str = "") -> Type[SingleFileSnapshotExtension]:
    """Snapshots of this folder: the one of the name ``mahuika/gpu`` is its file ``mahuika/gpu`` with the ending."""

    class Beside(SingleFileSnapshotExtension):
        file_extension = ending.lstrip(".")
        _write_mode = WriteMode.TEXT

        @classmethod
        def dirname(cls, *, test_location: Any) -> str:
            return str(folder)

        @classmethod
        def get_snapshot_name(cls, *, test_location: Any, index: Any = 0) -> str:
            return str(index)

        @classmethod
        def get_location(cls, *, test_location: Any, index: Any) -> str:
            return str(folder / f"{index}{ending}")

    return Beside
