"""`hpcgen cost`: compares the cost of a request with the cost of alternatives."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from hpcgen.cli import options
from hpcgen.cli.messages import note

PARAMETERS = (options.PROGRAM, options.FILE, options.JSON)


def body(flags: Dict[str, Any], file: Optional[Path], as_json: bool) -> None:
    """Print the cost of the request and of alternatives to it: with or without --hetjob, on fewer nodes, in other partitions.

    \b
    hpcgen cost --site mahuika --hetjob --workers 8 --cpus-per-worker 4 --time 2h prog.py
    """
    from hpcgen.cost.compare import compare
    from hpcgen.inputs.gather import gather

    site, merged, _, inferred = gather(flags, file, of_job=True)
    note(*inferred)
    ways = compare(site, merged)
    if as_json:
        import msgspec

        print(msgspec.json.encode(ways).decode())
        return
    from hpcgen.base.units import clock
    from hpcgen.cli import show

    costs = [way.cost for way in ways if way.cost]
    heads = ("request", "core-hours", "node-hours", "GPU-hours", "charge", "")
    units = not sys.stdout.isatty()  # on a terminal, the heads of the columns name the units
    show.table(heads, [_row(way, units) for way in ways], f"{site.id}, {clock(costs[0].seconds)}" if costs else "")
    if merged.request.time is None:
        note(f"assumed: {clock(costs[0].seconds)} (--time)")
    note(*dict.fromkeys(text for cost in costs[:1] for text in cost.notes))
    if not any(cost.charges for cost in costs):
        note(f"the profile of {site.id} has no rates for this job, so its cost in the site's unit is unknown")


def _row(way: Any, units: bool) -> List[str]:
    from hpcgen.base.units import in_units
    from hpcgen.cost.estimate import number

    if way.cost is None:
        return [way.request, "", "", "", "", f"not possible: {way.why}"]
    hours = [(way.cost.core_hours, "core-hours"), (way.cost.node_hours, "node-hours"), (way.cost.gpu_hours, "GPU-hours")]
    cells = ["" if amount is None else in_units(f"{amount:.5g}", unit) if units else f"{amount:.5g}" for amount, unit in hours]
    return [way.request, *cells, ", ".join(in_units(number(charge), charge.unit) for charge in way.cost.charges), ""]


COMMAND = options.command(body, *PARAMETERS)
