"""What jobs cost, against examples worked out by hand or by the sites themselves."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import Any, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import TABLES, site

from hpcgen import Request, RequestError, load, plan
from hpcgen.base.units import Memory, Time
from hpcgen.cli import status
from hpcgen.cost.compare import Way, compare
from hpcgen.cost.estimate import Amount, Cost, cost, line
from hpcgen.profiles.listing import listing
from hpcgen.profiles.site import Site
from hpcgen.request.layers import checked

GIB = 1024
# NCI: Job costs, https://opus.nci.org.au/pages/viewpage.action?pageId=236880942: a CPU or its 4 GiB are 2 SU an hour,
# 6 in express.
NCI = site(
    charge={"unit": "SU", "rates": {"cpu": 2, "mem_per_cpu": "4G"}, "source": "docs"},
    nodes={"thin": {"cores": 48, "mem": "192G", "source": "docs"}},
    partitions={
        **{name: TABLES["partitions"][name] for name in ("debug", "gpu", "big")},
        "short": {"nodes": ["thin"], "max_time": "48h", "default": True, "source": "docs"},
        "long": {"nodes": ["thin"], "auto": False, "charge": {"cpu": 6, "mem_per_cpu": "4G"}, "source": "docs"},
    },
)


def of(at: Site, **asked: Any) -> Cost:
    return cost(at, plan(at, Request(**{"workload": "serial", "program": "x.py", **asked})))


def charged(found: Cost) -> float:
    (charge,) = found.charges
    assert charge.least == charge.most
    return charge.least


@pytest.mark.parametrize(
    ("cpus", "gib", "partition", "units"),
    [(4, 16, None, 40), (8, 16, None, 80), (8, 128, None, 320), (8, 192, None, 480), (8, 16, "long", 240)],
)
def test_the_table_of_nci(cpus: int, gib: int, partition: Optional[str], units: float) -> None:
    """Each row of the table of examples on that page, 5 hours long."""
    found = of(NCI, cpus_per_task=cpus, mem=Memory(gib * GIB), time=Time(5 * 3600), partition=partition)
    assert charged(found) == units and found.core_hours == cpus * 5


def test_memory_that_is_charged_as_more_cpus_is_said() -> None:
    found = of(NCI, cpus_per_task=8, mem=Memory(128 * GIB), time=Time(3600))
    assert "charged as 32 CPUs in place of 8: with --mem 32G it costs nothing extra" in found.notes[0]
    assert of(NCI, cpus_per_task=8, mem=Memory(32 * GIB), time=Time(3600)).notes == ()
    found = of(NCI, workload="mpi", ntasks=2, cpus_per_task=2, mem_per_cpu=Memory(6 * GIB), time=Time(3600))
    assert "charged as 6 CPUs in place of 4: with --mem-per-cpu 4G it costs nothing extra" in found.notes[0]


# NREL: System resource allocation units, https://www.nrel.gov/hpc/system-resource-allocation-unit.html:
# walltime × nodes × QOS (high: 2) × charge factor (10 on Kestrel's CPUs, 100 on its GPU nodes, of which a GPU is a quarter).
@pytest.mark.parametrize(
    ("asked", "units", "cores"),
    [
        ({"workload": "mpi", "ntasks": 4, "nodes": 2, "time": Time(3 * 3600)}, 60, 2 * 104 * 3),
        ({"workload": "mpi", "ntasks": 4, "nodes": 2, "time": Time(3 * 3600), "qos": "high"}, 120, 2 * 104 * 3),
        ({"gpus": "1", "time": Time(7200)}, 50, 2),
        ({"gpus": "2", "time": Time(7200)}, 100, 2),
        ({"partition": "shared", "cpus_per_task": 26, "time": Time(3600)}, 2.5, 26),
    ],
)
def test_allocation_units_of_kestrel(asked: Any, units: float, cores: float) -> None:
    found = of(load("kestrel"), account="x", **asked)
    assert charged(found) == pytest.approx(units) and found.core_hours == cores and found.charges[0].unit == "AU"


def test_more_memory_than_its_share_of_a_node() -> None:
    """Half of a standard node's 246064 MiB and a quarter of its CPUs."""
    found = of(load("kestrel"), account="x", partition="shared", cpus_per_task=26, mem=Memory(123032), time=Time(3600))
    assert charged(found) == pytest.approx(5) and "with --mem 61516M it costs nothing extra" in found.notes[0]


def test_logical_cpus_of_mahuika() -> None:
    """NeSI: What is an allocation?, 2024: 0.35 a logical CPU and hour, 0.1 a GB. NeSI: Hyperthreading, "How many logical CPUs
    will my job use or be charged for?": each task gets an even number; nomultithread doubles it."""
    at = load("mahuika-cs400")

    def cpus(**asked: Any) -> float:
        found = of(at, mem=Memory(GIB), nodes=1, time=Time(3600), **asked)
        return (charged(found) - 0.1) / 0.35

    assert cpus() == pytest.approx(2)
    assert cpus(cpus_per_task=3) == pytest.approx(4)
    assert cpus(cpus_per_task=3, hint="nomultithread") == pytest.approx(6)
    assert cpus(workload="mpi", ntasks=5) == pytest.approx(10)
    assert cpus(workload="mpi", ntasks=5, hint="multithread") == pytest.approx(6)
    assert cpus(workload="mpi", ntasks=5, cpus_per_task=3) == pytest.approx(20)
    assert cpus(workload="mpi", ntasks=5, cpus_per_task=3, hint="nomultithread") == pytest.approx(30)


def test_heterogeneous_with_one_core_for_the_idle_ranks() -> None:
    """Two ranks of a thread and 1 GiB, three of 4 threads and 12 GiB, two hours: 2·(2·0.35 + 0.2 + 12·0.35 + 3.6)."""
    same = {
        "workload": None,
        "hetjob": True,
        "workers": 3,
        "cpus_per_worker": 4,
        "mem_per_cpu": Memory(3 * GIB),
        "time": Time(7200),
    }
    found = of(load("mahuika-cs400"), **same)
    assert charged(found) == pytest.approx(17.4) and found.core_hours == 14
    apart = of(load("mahuika-cs400"), **same, share_core=False)
    assert charged(apart) == pytest.approx(18.8) and apart.core_hours == 16


def test_where_the_scheduler_chooses_the_charge_has_two_ends() -> None:
    """NeSI: What is an allocation?: 0.9 a core of Milan and 0.13 a GB, 1.4 and 0.2 of Genoa."""
    (charge,) = of(load("mahuika"), time=Time(3600)).charges
    assert (charge.least, charge.most) == (pytest.approx(1.03), pytest.approx(1.6))


def test_arrays_are_all_their_jobs() -> None:
    one, many = of(NCI, time=Time(3600)), of(NCI, time=Time(3600), array="1-10:3,15%2")
    assert many.jobs == 5 and charged(many) == 5 * charged(one) and many.core_hours == 5


def test_without_a_time_limit_it_is_the_cost_of_an_hour() -> None:
    found = of(load("local"), cpus_per_task=3)
    assert (found.seconds, found.core_hours) == (3600, 3)


def test_what_has_no_price_has_no_charge() -> None:
    assert of(site(), time=Time(3600)).charges == ()
    priced = site(charge={"unit": "SU", "rates": {"cpu": 1, "gpus": {"h100": 5}}, "source": "docs"})
    assert charged(of(priced, gpus="1", time=Time(3600))) == 6
    other = {
        "nodes": {
            "gpu": {"cores": 16, "gpus": 2, "gpu": "a100", "source": "docs"},
            "extra": {"cores": 9, "gpus": 1, "gpu": "h100", "source": "docs"},
        }
    }
    unknown = site(charge={"unit": "SU", "rates": {"cpu": 1, "gpus": {"h100": 5}}, "source": "docs"}, **other)
    assert of(unknown, gpus="1", time=Time(3600)).charges == ()
    assert charged(of(priced, time=Time(3600))) == 1


def test_gpus_in_their_own_unit() -> None:
    own = site(charge={"unit": "SU", "gpu_unit": "GPU-hours", "rates": {"cpu": 1, "gpu": 1}, "source": "docs"})
    assert of(own, gpus="2", time=Time(7200)).charges == (Amount("GPU-hours", 4.0, 4.0),)


@pytest.mark.parametrize(
    ("asked", "units"),
    [
        ({"cpus_per_task": 4, "mem": Memory(16 * GIB)}, 40),
        ({"cpus_per_task": 8, "mem": Memory(128 * GIB)}, 320),
        ({"cpus_per_task": 8, "mem": Memory(16 * GIB), "partition": "express"}, 240),
        ({"cpus_per_task": 12, "gpus": "1", "mem": Memory(90 * GIB)}, 180),
        ({"cpus_per_task": 12, "gpus": "1", "mem": Memory(380 * GIB)}, 716.23),
    ],
)
def test_the_table_of_nci_at_gadi(asked: Any, units: float) -> None:
    """The same page's rows with Gadi's own profile, where a V100 comes with 12 CPUs."""
    assert charged(of(load("gadi"), account="x", time=Time(5 * 3600), **asked)) == pytest.approx(units, rel=1e-4)


SITES = [
    site(),
    NCI,
    load("gadi"),
    load("derecho"),
    load("kestrel"),
    load("mahuika"),
    load("mahuika-cs400"),
    load("vaughan"),
    load("eagle"),
]
REQUESTS = st.fixed_dictionaries(
    {"workers": st.integers(1, 40), "cpus_per_worker": st.integers(1, 16)},
    optional={
        "hetjob": st.just(True),
        "nodes": st.integers(1, 3),
        "mem_per_cpu": st.integers(1, 4000).map(Memory),
        "exclusive": st.just(True),
        "qos": st.just("high"),
        "array": st.just("1-3"),
    },
)


@given(st.sampled_from(SITES), REQUESTS, st.integers(60, 3600), st.integers(60, 3600))
def test_never_negative_and_no_less_for_longer(at: Site, asked: Any, seconds: int, more: int) -> None:
    asked = {**asked, "account": "x", "workload": None}
    try:
        short, long = (of(at, **asked, time=Time(one)) for one in (seconds, seconds + more))
    except RequestError:
        return
    for found in (short, long):
        assert found.core_hours > 0 and all(0 <= charge.least <= charge.most for charge in found.charges)
        assert Cost.from_json(found.to_json()) == found
    assert long.core_hours > short.core_hours
    if [charge.unit for charge in short.charges] == [charge.unit for charge in long.charges]:
        assert all(a.least <= b.least + 1e-9 and a.most <= b.most + 1e-9 for a, b in zip(short.charges, long.charges))


def ways(at: Site, **asked: Any) -> List[Way]:
    return compare(at, checked(Request(**{"program": "x.py", "time": Time(3600), **asked})))


def test_alternatives() -> None:
    found = {way.request: way for way in ways(load("kestrel"), account="x", workers=8, nodes=4, mem=Memory(40 * GIB))}
    assert list(found)[:3] == ["as asked", "with --hetjob", "--nodes 1 --mem 160G"]
    assert [charged(way.cost) for way in list(found.values())[:3] if way.cost] == [40, 50, 10]
    shared = next(way for name, way in found.items() if name.startswith("--partition shared"))
    assert shared.cost and charged(shared.cost) < 10


def test_at_gadi_a_refused_form_is_the_first_row() -> None:
    """10 ranks of 6 CPUs with 36 GiB are two whole nodes of normal, 96 CPUs at 2 SU; on one node they are in normalsr, where
    360 GiB are charged as 74.88 of its CPUs (500 GiB for 104)."""
    asked = {"hetjob": True, "workers": 8, "cpus_per_worker": 6, "mem_per_cpu": Memory(6 * GIB)}
    found = ways(load("gadi"), account="x", **asked)
    assert found[0].why == "gadi does not allow heterogeneous jobs"
    first, dense = found[1:3]
    assert (first.request, first.cost and charged(first.cost)) == ("without --hetjob", 192)
    assert (
        dense.request == "--nodes 1 (partition normalsr)"
        and dense.cost
        and charged(dense.cost) == pytest.approx(149.76, abs=0.01)
    )
    bw = next(way for way in found if "normalbw" in way.request)
    assert bw.cost and charged(bw.cost) == 105  # three whole nodes of 28 CPUs at 1.25


@pytest.mark.parametrize("workload", ["torchrun", "ray"])
def test_of_one_process_a_node_fewer_nodes_are_not_the_same_job(workload: str) -> None:
    """For half the price there would be half of its processes and GPUs."""
    found = ways(load("kestrel"), account="x", workload=workload, nodes=2, gpus_per_node="4")
    assert found[0].cost and not [way.request for way in found if way.request.startswith("--nodes")]


def test_memory_of_whole_nodes_that_is_their_cpus_but_for_rounding() -> None:
    """gpuvolta's 382 GiB of 48 CPUs, at 8149 MiB each, are 48.002 of them: not worth a word."""
    whole = of(load("gadi"), account="x", workload="torchrun", nodes=2, gpus_per_node="4")
    assert charged(whole) == pytest.approx(288, abs=0.02) and whole.notes == ()


def test_a_form_that_cannot_be_had_is_shown_with_the_reason() -> None:
    none = site(scheduler={"hetjob": False})
    plain = {way.request: way for way in ways(none)}
    assert plain["with --hetjob"].cost is None and plain["with --hetjob"].why == "tiny does not allow heterogeneous jobs"
    asked = {way.request: way for way in ways(none, hetjob=True)}
    assert asked["as asked, with --hetjob"].cost is None and asked["without --hetjob"].cost
    assert any(name.startswith("--partition") for name in asked)
    with pytest.raises(RequestError, match="allows"):
        ways(none, time=Time(90 * 86400))


def test_a_job_without_gpus_has_nodes_without_gpus() -> None:
    """NCAR: Derecho's queues: whole nodes of 128 cores; those with GPUs have 64."""
    found = of(load("derecho"), account="x", workload="mpi", ntasks=100, time=Time(3600))
    assert (found.node_hours, charged(found)) == (1, 128)


def test_whole_nodes_count_whole() -> None:
    whole = site(scheduler={"whole_nodes": "always"}, charge={"unit": "SU", "rates": {"cpu": 1}, "source": "docs"})
    found = of(whole, workload="mpi", ntasks=20, time=Time(3600))
    assert (found.core_hours, found.node_hours, charged(found)) == (32, 2, 32)


def test_the_commands(capsys: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    words = [
        "--site",
        "mahuika-cs400",
        "--hetjob",
        "--workers",
        "3",
        "--cpus-per-worker",
        "4",
        "--mem-per-cpu",
        "3G",
        "--time",
        "2h",
        "x.py",
    ]
    assert status(["cost", *words]) == 0
    rows = [row.split("\t") for row in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["as asked, with --hetjob", "14 core-hours", "", "", "17.4 compute units", ""]
    assert rows[1][:2] == ["without --hetjob", "20 core-hours"]
    assert status(["cost", "--json", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0]["cost"]["charges"][0]["unit"] == "compute units"
    assert status(["explain", *words]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert (
        last.startswith("# cost: 14 core-hours, 17.4 compute units in 02:00:00 ")
        and "# fact mahuika-cs400: charge.rates (" in last
    )
    assert line(Cost(seconds=60, core_hours=1, node_hours=1.0)) == "1 core-hour, 1 node-hour in 00:01:00"
    assert line(Cost(seconds=60, core_hours=0.5)) == "0.5 core-hours in 00:01:00"


def on_a_terminal(folder: Any, columns: int, *words: str) -> str:
    """What a terminal of so many columns would show."""
    inner, outer = pty.openpty()
    program = "import sys; from hpcgen.cli import status; sys.exit(status(sys.argv[1:]))"
    env = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-c", program, *words], stdout=outer, stderr=subprocess.PIPE, cwd=folder, env=env, timeout=60
    )
    os.close(outer)
    shown = os.read(inner, 100_000).decode().replace("\r", "")
    os.close(inner)
    assert done.returncode == 0, done.stderr
    return shown


def test_on_a_terminal_the_heads_have_the_units(tmp_path: Any) -> None:
    shown = on_a_terminal(tmp_path, 100, "cost", "--site", "gadi", "-A", "a1", "--workers", "46", "--time", "2h", "x.py")
    heads = re.split(r" {2,}", next(text for text in shown.splitlines() if "core-hours" in text).strip())
    assert heads == ["request", "core-hours", "node-hours", "charge"]  # no job has GPUs
    assert re.search(r"^ *as asked +96 +192 SU *$", shown, re.MULTILINE)


def test_a_narrow_terminal_cuts_no_names(tmp_path: Any) -> None:
    rows = [row.split() for row in on_a_terminal(tmp_path, 80, "sites").splitlines()]
    found = {row[0]: row[-1] for row in rows if row}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", found[name]) for name in listing())
