from __future__ import annotations
def files() -> dict[str, str]:
    return {}
