"""The public API for programs: it type-checks as people write it, and errors say their parts."""

from __future__ import annotations

import json
from typing import Any, Optional, Tuple

import pytest

from hpcgen import HpcgenError, LimitError, Request, RequestError, SiteError, load, plan
from hpcgen.base.errors import Problem

# --- errors


def raised(kind: Any, call: Any) -> Tuple[Problem, ...]:
    with pytest.raises(kind) as caught:
        call()
    error: HpcgenError = caught.value
    assert tuple(one.text for one in error.details) == error.problems
    assert json.loads(error.to_json()) == {
        "error": kind.__name__, "status": error.status, "problems": [one._asdict() for one in error.details],
    }  # fmt: skip
    return error.details


def test_a_limit_is_told_in_parts() -> None:
    (one,) = raised(LimitError, lambda: plan(load("mahuika"), Request(workload="serial", cpus_per_task=999)))
    assert one.limit and one.advice and one.source and one.source.startswith("NeSI support: ")
    found = raised(LimitError, lambda: plan(load("mahuika"), Request(program="x.py", time="60-0")))
    assert found[0][1:3] == ("--time", "60-00:00:00") and found[0].limit == "21-00:00:00"
    assert found[0].advice == "ask for --time 21-00:00:00"


def test_a_misspelt_value_is_told_in_parts() -> None:
    (one,) = raised(RequestError, lambda: plan(load("local"), Request(time="1x")))
    assert one[1:] == ("--time", "1x", None, None, "write 90m, 2h, 1:30:00 or 1-12:00:00")
    (one,) = raised(SiteError, lambda: load("mahuka"))
    assert one[1:] == ("site", "mahuka", None, None, "did you mean 'mahuika'?")


@pytest.mark.parametrize(
    "text, parts",
    [
        ("job.toml: time: expected text, got 1.5", ("time", None, None, None, None)),
        ("--directive '-l a: b': it is there: leave it out", ("--directive", "-l a: b", None, None, "leave it out")),
        ("--mem and --tmp exclude each other: give one of them", ("--mem", None, None, None, "give one of them")),
        ("sites/a.toml: nodes.a.mem: 5 MiB on a node: write 5G", ("nodes.a.mem", None, None, None, "write 5G")),
        ("--nodes 9: x [A: b, read 2026-01-02] allows 4 a job: ask for --nodes 4",
         ("--nodes", "9", "4", "A: b, read 2026-01-02", "ask for --nodes 4")),
        ("sbatch: error: it is down", (None, None, None, None, None)),
        ("", (None, None, None, None, None)),
    ],
)  # fmt: skip
def test_a_line_is_read(text: str, parts: Tuple[Optional[str], ...]) -> None:
    (one,) = HpcgenError(text).details
    assert one == (text, *parts)


def test_what_is_known_need_not_be_read() -> None:
    error = HpcgenError(Problem("too many: use fewer", option="--ntasks", limit="4"), "plain\n")
    assert error.problems == ("too many: use fewer", "plain\\n") and str(error) == "too many: use fewer\nplain\\n"
    assert error.details[0] == ("too many: use fewer", "--ntasks", None, "4", None, "use fewer")
