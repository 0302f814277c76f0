"""What is said beside a script: only what holds of this request at this site, and with the way out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, List

import pytest

from hpcgen import RequestError, load, plan, render
from hpcgen.request import Layer, Request, merge
from hpcgen.words import Token

TOP = Path(__file__).parent.parent


def notes(site: str, **asked: Any) -> List[str]:
    at = load(site)
    return list(plan(at, merge([Layer("flag", "command line", {"account": "a1", "program": "x.py", **asked}, strict=False)])).notes)


@pytest.mark.parametrize("workload, package", [("ray", "ray"), ("torchrun", "torch")])
def test_a_python_that_may_lack_the_package(workload: str, package: str) -> None:
    said = f"{package} must be in the Python that mahuika gives"
    assert any(said in text and f"--workload {workload} --venv DIR" in text for text in notes("mahuika", workload=workload))
    for own in ({"venv": "~/v"}, {"conda": "e"}, {"image": "i.sif"}, {"module": ["Python/3.12"]}, {"python": "/opt/python"}):
        assert not any(said in text for text in notes("mahuika", workload=workload, **own))
    assert not any("must be in the Python" in text for text in notes("mahuika", workload="mpi"))


@pytest.mark.parametrize("asked", [{"workers": 4}, {"workers": 4, "runner": "local"}, {"workload": "ray"}])
def test_a_disk_as_large_as_it_is_asked_for(asked: Any) -> None:
    assert any("as large as --tmp asks" in text for text in notes("gadi", **asked))
    assert not any("--tmp asks" in text for text in notes("gadi", tmp="50G", **asked))
    assert not any("--tmp asks" in text for text in notes("kestrel", **asked))


def test_what_a_site_says_of_dask_mpi_is_for_mpi() -> None:
    assert any("install mpi4py" in text for text in notes("kestrel", workers=4))
    assert not any("install mpi4py" in text for text in notes("kestrel", workers=4, runner="local"))


def test_one_process_has_no_ranks() -> None:
    at, asked = load("gadi"), {"account": "a1", "program": "x.py", "workers": 4, "tmp": "9G"}
    alone = render(plan(at, merge([Layer("flag", "command line", {**asked, "runner": "local"}, strict=False)])))
    many = render(plan(at, merge([Layer("flag", "command line", asked, strict=False)])))
    assert "# One process on one node" in alone and "# Rank 0 is" not in alone
    assert "# Rank 0 is" in many and "# One process on one node" not in many


def test_a_type_of_gpu_that_the_site_has_not() -> None:
    with pytest.raises(RequestError, match="of type a100, h100"):
        plan(load("mahuika"), Request(workload="serial", account="a", program="x.py", gpus=Token("v100:1")))


def test_gpus_are_no_workload() -> None:
    with pytest.raises(RequestError, match="--workload serial --gpus 1"):
        plan(load("kestrel"), Request(workload="gpu", account="a"))


def test_readme_tells_of_every_option() -> None:
    told = set(re.findall(r"--([a-z][a-z-]*)", (TOP / "README.md").read_text()))
    options = {name.replace("_", "-") for name in Request.__struct_fields__ if name not in ("program", "args")}
    assert options - told == set()
