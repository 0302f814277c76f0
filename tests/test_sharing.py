"""Scheduler and client on one core: where the profile's topology makes it possible."""

from __future__ import annotations

import pytest
from tiny import TABLES, site

from hpcgen import Request, RequestError, plan, render
from hpcgen.planning import remarks
from hpcgen.script.explain import explain

THREADS = {name: {**node, "threads_per_core": 2} for name, node in TABLES["nodes"].items()}
HYPER = site(cpu={"unit": "thread", "source": "docs"}, nodes=THREADS)
CORES = site(nodes=THREADS)


def small(at, **asked):  # type: ignore[no-untyped-def]
    job = plan(at, Request(program="x.py", hetjob=True, **asked))
    return render(job).partition("#SBATCH hetjob")[0], " ".join((*remarks.assumed(job.assumed), *job.notes))


def test_unasked_where_a_cpu_is_a_thread() -> None:
    text, said = small(HYPER)
    assert "--ntasks-per-core=2\n" in text and "--threads-per-core" not in text
    assert "scheduler and client share one core" in said and "--no-share-core" in said


def test_not_where_one_kind_of_node_has_no_second_thread() -> None:
    nodes = {**THREADS, "thin": TABLES["nodes"]["thin"]}
    assert "per-core" not in small(site(cpu={"unit": "thread", "source": "docs"}, nodes=nodes))[0]


def test_the_workers_have_their_own_cores() -> None:
    text = render(plan(HYPER, Request(program="x.py", hetjob=True)))
    assert "ntasks-per-core" not in text.partition("#SBATCH hetjob")[2]


def test_a_core_each() -> None:
    text, said = small(HYPER, share_core=False)
    assert "--threads-per-core=1\n" in text and "ntasks-per-core" not in text and "one core" not in said


def test_only_when_asked_where_a_cpu_is_a_core() -> None:
    assert "per-core" not in small(CORES)[0]
    text, said = small(CORES, share_core=True)
    assert "--ntasks-per-core=2\n" in text and "--threads-per-core=2\n" in text and "one core" not in said


def test_explain_says_why() -> None:
    lines = explain(plan(HYPER, Request(program="x.py", hetjob=True)))
    why = next(line.origins for line in lines if line.text == "#SBATCH --ntasks-per-core=2")
    assert "mostly wait" in str(why[0])


@pytest.mark.parametrize(
    "own", [{"hint": "nomultithread"}, {"threads_per_core": 1}, {"ntasks_per_core": 1}, {"scheduler_cpus": 2}]
)
def test_what_was_asked_for_stands(own) -> None:  # type: ignore[no-untyped-def]
    assert "--ntasks-per-core=2" not in small(HYPER, **own)[0]
    with pytest.raises(RequestError, match=r"--share-core: .*leave it out"):
        small(HYPER, share_core=True, **own)


def test_where_it_cannot_be_had() -> None:
    with pytest.raises(RequestError, match="two hardware threads"):
        small(site(), share_core=True)
    with pytest.raises(RequestError, match="add --hetjob"):
        plan(HYPER, Request(program="x.py", share_core=True))
