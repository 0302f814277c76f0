"""An export as a file: YAML for Dask's configuration folder, Python, JSON. It uses no YAML library: login nodes may have none.

YAML is written in two forms that every version of YAML reads in the same way: flow scalars of JSON, and quoted strings. Plain
strings are never used: `no`, `0123` and `00:30:00` would be read as other types. Source: YAML 1.1, 5.7 and 7.3.
"""

from __future__ import annotations

import json
from typing import Any, Iterator, List, Tuple

from hpcgen.base.errors import printable
from hpcgen.jobqueue.settings import Export
from hpcgen.model.job import Origin

COLUMN = 40
NOTHING: Tuple[Any, ...] = (None, [], {})


def yaml(found: Export) -> str:
    """A file for ``~/.config/dask``."""
    processes = next(value for key, value, _ in found.settings if key == "processes")
    # dask-jobqueue 0.9 starts a job's workers from its configuration, but does not recognize them in adapt().
    advice = [f"before adapt(), say it twice: {found.cluster}(processes={processes})"] if processes > 1 else []
    lines = [*(f"# {line}" for line in (*found.header, *advice)), "jobqueue:", f"  {found.section}:"]
    for key, value, origins in found.settings:
        if value in NOTHING:
            continue
        if isinstance(value, list):
            lines.append(f"    {key}:")
            lines += [_beside(f"      - {scalar(item)}", why) for item, why in zip(value, origins)]
        else:
            lines.append(_beside(f"    {key}: {scalar(value)}", *origins))
    lines.append("    # Not in use: dask-jobqueue asks for these, too.")
    lines += [f"    {key}: {scalar(value)}" for key, value, _ in found.settings if value in NOTHING]
    return "\n".join(lines) + "\n"


def python(found: Export) -> str:
    """The call that creates the cluster."""
    lines = [*(f"# {line}" for line in found.header), f"from dask_jobqueue import {found.cluster}", ""]
    lines.append(f"cluster = {found.cluster}(")
    for key, value, origins in found.settings:
        if value in NOTHING:
            continue
        name = argument(key)
        if isinstance(value, list):
            lines += [f"    {name}=[", *(_beside(f"        {item!r},", why) for item, why in zip(value, origins)), "    ],"]
        else:
            lines.append(_beside(f"    {name}={value!r},", *origins))
    return "\n".join([*lines, ")"]) + "\n"


def as_json(found: Export) -> str:
    """For programs: the class, and the configuration that it reads."""
    values = {key: value for key, value, _ in found.settings}
    return json.dumps({"cluster": found.cluster, "jobqueue": {found.section: values}}, indent=2) + "\n"


def argument(key: str) -> str:
    """The class's argument for a key of its configuration. Its argument `name` is the name of the whole cluster."""
    return "job_name" if key == "name" else key.replace("-", "_")


def _beside(text: str, *origins: Tuple[Origin, ...]) -> str:
    found = dict.fromkeys(printable(str(origin)) for several in origins for origin in several)
    return f"{text:<{COLUMN}}  # {'; '.join(found)}" if found else text


def scalar(value: Any) -> str:
    """A value on one line."""
    if not isinstance(value, str):
        return json.dumps(value)
    if '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return '"' + "".join(_escaped(value)) + '"'


def _escaped(value: str) -> Iterator[str]:
    for c in value:
        if c in '"\\':
            yield f"\\{c}"
        elif c.isprintable() and c != "\ufeff":
            yield c
        else:
            yield next(f"\\{mark}{ord(c):0{width}x}" for mark, width in WIDTHS if ord(c) < 16**width)


WIDTHS: List[Tuple[str, int]] = [("x", 2), ("u", 4), ("U", 8)]
