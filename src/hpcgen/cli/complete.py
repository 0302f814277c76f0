"""Shell completion of option values: sites, workloads, and the partitions and modules of the site on the command line."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Dict, Iterable, List


def sites(ctx: Any, args: List[str], incomplete: str) -> List[str]:
    from hpcgen.base import paths
    from hpcgen.base.errors import HpcgenError
    from hpcgen.profiles.listing import listing

    rooms = paths.rooms()
    if any(path.is_file() for path in paths.configs()):
        from hpcgen.inputs import config

        with contextlib.suppress(HpcgenError):
            rooms = config.rooms(config.configs())
    return starting(incomplete, listing(rooms))


def partitions(ctx: Any, args: List[str], incomplete: str) -> List[str]:
    return starting(incomplete, (facts.partitions if (facts := _site(ctx)) else ()))


def modules(ctx: Any, args: List[str], incomplete: str) -> List[str]:
    facts = _site(ctx)
    if facts is None:
        return []
    tables = facts.modules
    return starting(incomplete, {*tables.base, *tables.python, *tables.mpi, *tables.conda, *tables.container})


def workloads(ctx: Any, args: List[str], incomplete: str) -> List[str]:
    from hpcgen import workloads as folder

    return starting(incomplete, folder.names())


def _site(ctx: Any) -> Any:
    from hpcgen.base.errors import HpcgenError
    from hpcgen.inputs.gather import gather

    try:
        return gather({"site": ctx.params.get("site")}).site
    except HpcgenError:
        return None


def starting(incomplete: str, words: Iterable[str]) -> List[str]:
    return sorted(word for word in words if word.startswith(incomplete))


VALUES: Dict[str, Callable[..., Any]] = {"site": sites, "partition": partitions, "module": modules, "workload": workloads}
