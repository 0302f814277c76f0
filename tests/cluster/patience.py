"""How long tests wait, and how soon is soon, on a machine that others use too."""
from __future__ import annotations

import os

# Waiting for what should happen costs nothing where it does: the seconds that tests name are those of a quiet machine.
LONGER = 4


def allowed(seconds: float) -> float:
    """The seconds within which a job must be over that took so many at most on a quiet machine: twice that, and more where
    processes wait for each CPU."""
    return 2 * seconds * max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
