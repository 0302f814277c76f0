"""Merges layers into one request: the site's defaults, configurations, files, flags."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Literal, Mapping, NamedTuple

from hpcgen.base import toml
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import option
from hpcgen.model.job import Origin
from hpcgen.request.fields import GPUS, UNITS, Request, set_fields

# Only one of each group is used. The choice of a stronger layer replaces that of a weaker one.
ALTERNATIVES = (
    ("mem", "mem_per_cpu", "mem_per_gpu"),
    tuple(GPUS),
    ("workers", "ntasks"),
    ("conda", "venv", "userbase"),
    ("hint", "ntasks_per_core"),
    ("hint", "threads_per_core"),
)


class Layer(NamedTuple):
    """Values from one place, described by `kind` and `where`. `strict`: whether numbers must be numbers, not text."""

    kind: Literal["fact", "flag", "file", "config", "variable", "default"]
    where: str
    values: Mapping[str, Any]
    strict: bool = True

    def origin(self, key: str) -> Origin:
        flag = self.kind == "flag" and key not in ("program", "args")
        return Origin(self.kind, option(key) if flag else f"{self.where}: {key}")

    def named(self, problem: str) -> str:
        """A problem with the option as the user wrote it: a key of a file, or a flag."""
        if self.kind != "flag":
            return problem
        text = problem[len(self.where) + 2 :]
        place = text.partition(":")[0]
        key = place.partition("[")[0]  # without the position in a list: the message shows the value
        return f"{option(key)}{text[len(place) :]}" if key in Request.__struct_fields__ else text


class Merged(NamedTuple):
    """A request with the origin of each value that is set."""

    request: Request
    origins: Dict[str, Origin]


def merge(layers: Iterable[Layer]) -> Merged:
    """One request from layers, weakest first. Raises RequestError with all faults of the layers.

    The command line uses this order: the site's defaults, /etc/hpcgen/config.toml, the user's config.toml (in each, the
    site's table comes last), the scheduler's own variables, the request file, flags.
    """
    values: Dict[str, Any] = {}
    origins: Dict[str, Origin] = {}
    problems: List[str] = []
    for layer in layers:
        given = {key: value for key, value in layer.values.items() if value is not None}
        found: List[str] = []
        filled = toml.fill(Request, given, layer.where, found, layer.strict)
        found += [f"{layer.where}: {fault}" for fault in contradictions(filled)]
        problems += [layer.named(problem) for problem in found]
        if "program" in filled and "program" in values:
            for known in (values, origins):
                known.pop("args", None)  # they belonged to the other program
        for group in ALTERNATIVES:
            if any(key in filled for key in group):
                for key in group:
                    values.pop(key, None)
                    origins.pop(key, None)
        for key, value in filled.items():
            values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
            origins[key] = layer.origin(key)
    if problems:
        raise RequestError(*problems)
    return Merged(Request(**values), origins)


def contradictions(values: Mapping[str, Any]) -> Iterable[str]:
    """A sentence for every group of ALTERNATIVES if one layer sets more than one of its options."""
    for group in ALTERNATIVES:
        given = [option(key) for key in group if values.get(key) is not None]
        if len(given) > 1:
            yield f"{' and '.join(given)} exclude each other: give one of them"


def checked(request: Request) -> Merged:
    """A request made in Python, checked by the same rules as one from a file. Raises RequestError."""
    values = set_fields(request)
    for name, unit in UNITS.items():
        if isinstance(values.get(name), int):
            values[name] = unit(values[name])
    return merge([Layer("flag", "request", values)])
