"""Profiles: what is refused in one, and what holds for all of ours."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
from tiny import site, tables

from hpcgen import LimitError, Request, SiteError, load, plan, render, schedulers, workloads
from hpcgen.base.paths import shown
from hpcgen.profiles.charging import Rates
from hpcgen.profiles.listing import listing
from hpcgen.script.render import carried

SITES = list(listing())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(mpi={"pmi": "pmix"}), ["mpi.pmi", "intel", "--mpi=pmix", "pmi2"]),
        (dict(mpi={"pmi": "none"}), ["mpi.pmi"]),
        (dict(nodes={"thin": {"cores": 8, "mem": 256, "source": "docs"}}), ["nodes.thin.mem", "256 MiB", "write 256G"]),
        (dict(mpi={"flavour": "openmpi", "pmi": "pmix_v5"}), ["pmi_library", "Open MPI"]),
        (dict(mpi={"pmi_library": "libpmi2.so"}), ["absolute"]),
        (dict(mpi={"launcher": "sruns"}), ["mpi.launcher", "did you mean 'srun'?"]),
        (dict(mpi={"flavor": "intel"}), ["unknown key 'flavor'", "did you mean 'flavour'?"]),
        (dict(mpi={"source": "doc"}), ["no [sources.doc]", "did you mean 'docs'?"]),
        (dict(mpi={"sources": {"pmmi": "docs"}}), ["did you mean 'pmi'?"]),
        (dict(mpi={"source": None}), ["mpi: no 'source' for flavour"]),
        (dict(modules={"python": ["a; rm -rf b"]}), ["modules.python", "one plain word"]),
        (dict(modules={"purge": "everything"}), ["modules.purge", "purge, --force purge, reset"]),
        (dict(shell={"shebang": "/bin/bash -c rm", "source": "docs"}), ["shebang"]),
        (dict(shell={"shebang": "/bin/sh", "source": "docs"}), ["shebang", "bash"]),
        (dict(scheduler={"omit": ["ntasks"]}), ["unknown directive 'ntasks'"]),
        (dict(shell={"env": {"A;B": "x"}, "source": "docs"}), ["shell.env", "name of an environment variable"]),
        (dict(scheduler={"type": "slrum"}), ["did you mean 'slurm'?"]),
        (dict(scheduler={"omit": ["memry"]}), ["did you mean 'memory'?"]),
        (dict(scheduler={"extra": ["--a\nrm -rf b"]}), ["one line of printable text"]),
        (dict(nodes={"thin": {"cores": 0, "source": "docs"}}), ["nodes.thin.cores", "1 or more"]),
        (dict(partitions={"a\nb": {"source": "docs"}}), ["one plain word"]),
        (dict(partitions={"p": {"nodes": ["tin"], "source": "docs"}}), ["no [nodes.tin]", "did you mean 'thin'?"]),
        (dict(partitions={"p": {"max_tme": "1h", "source": "docs"}}), ["partitions.p", "did you mean 'max_time'?"]),
        (dict(partitions={"p": {"max_time": "soon", "source": "docs"}}), ["partitions.p.max_time", "1:30:00"]),
        (dict(partitions={"p": {"bins": [{"max_time": "1h"}], "source": "docs"}}), ["partitions.p.bins: 0", "'cpus'"]),
        (dict(partitions={"p": {"bins": [{"cpus": 4}], "source": "docs"}}), ["partitions.p.bins.0: 'max_time' is missing"]),
        (
            dict(partitions={"p": {"max_time": "1h", "bins": [{"cpus": 4, "max_time": "2h"}], "source": "docs"}}),
            ["partitions.p.bins: 0", "longer than max_time"],
        ),
        (
            dict(partitions={"p": {"bins": [{"cpus": 4, "max_time": "2h"}, {"cpus": 2, "max_time": "1h"}], "source": "docs"}}),
            ["partitions.p.bins: 1", "not larger"],
        ),
        (dict(container={"wrapper": "run it", "source": "docs"}), ["container.wrapper", "one plain word"]),
        (dict(container={"wrapper": "a&b", "source": "docs"}), ["container.wrapper", "not the name or the path of a command"]),
        (dict(container={"wrapper": "eval", "source": "docs"}), ["container.wrapper", "'eval'"]),
        (dict(container={"bind_command": "a|b", "source": "docs"}), ["container.bind_command", "'a|b'"]),
        (
            dict(container={"wrapper": "w", "wrapper_image": "IMAGE", "source": "docs"}),
            ["wrapper_image, wrapper_flags", "both or neither"],
        ),
        (dict(container={"wrapper": "w", "wrapper_image": "A B", "source": "docs"}), ["container.wrapper_image", "variable"]),
        (
            dict(container={"wrapper_image": "I", "wrapper_flags": "F", "source": "docs"}),
            ["container.wrapper_image", "'wrapper'"],
        ),
        (dict(status="retired"), ["successor"]),
        (dict(status="gone"), ["active, retired"]),
        (dict(defaults={"tme": "1h"}), ["defaults", "did you mean 'time'?"]),
        (dict(defaults={"program": "rm"}), ["defaults.program"]),
        (dict(sources={"docs": {"title": "Docs", "url": "u"}}), ["sources.docs", "'date'", "'read'"]),
        (
            dict(
                sources={
                    "docs": {"title": "Docs", "url": "u", "date": datetime.date(2026, 1, 1), "read": datetime.date(2026, 1, 2)}
                }
            ),
            ["sources.docs", "'date'", "'read'"],
        ),
        (dict(id="x"), ["unknown key 'id'"]),
        (dict(nodes="many"), ["nodes"]),
        (dict(login={"host": "a b", "source": "docs"}), ["login.host", "one plain word"]),
        (dict(login={"jump": "lander", "source": "docs"}), ["login.jump", "'host'"]),
        (dict(network={"fallback": ["eth0"], "source": "docs"}), ["network.fallback", "'interface'"]),
        (dict(network={"interface": "ib0", "fallback": "eth0", "source": "docs"}), ["network.fallback", "a list"]),
        (dict(charge={"rates": {"cpu": 2}, "source": "docs"}), ["charge.rates", "'unit'"]),
        (dict(charge={"unit": "SU", "rates": {"cpu": -1}, "source": "docs"}), ["charge.rates.cpu"]),
        (dict(charge={"unit": "SU", "rates": {"cpus": 1}, "source": "docs"}), ["unknown key 'cpus'", "did you mean 'cpu'?"]),
        (
            dict(charge={"unit": "SU", "rates": {"mem_per_cpu": "4G"}, "source": "docs"}),
            ["mem_per_cpu", "needs the rate 'cpu'"],
        ),
        (dict(charge={"unit": "SU", "rates": {"cpu": 1, "basis": "share"}, "source": "docs"}), ["basis", "'node'"]),
        (dict(charge={"unit": "SU", "rates": {"gpus": {"h1000": 1}}, "source": "docs"}), ["gpus", "did you mean 'h100'?"]),
        (dict(charge={"unit": "SU", "rates": {"cpu": 1}}), ["charge: no 'source' for rates, unit"]),
        (dict(partitions={"p": {"charge": {"cpu": 1}, "source": "docs"}}), ["partitions.p.charge", "'unit'"]),
    ],
)
def test_faults_are_named(changes: Any, words: Any) -> None:
    with pytest.raises(SiteError) as caught:
        site(**changes)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert all(problem.startswith("tiny.toml: ") for problem in caught.value.problems)


def test_a_profile_is_named_as_the_person_named_it(tmp_path: Path) -> None:
    """And ours by its place in the house, wherever that is installed."""
    own = tmp_path / "own.toml"
    own.write_text('name = "X"\n')
    with pytest.raises(SiteError, match=re.escape(f"{own}: 'operator' is missing")):
        load(str(own))
    assert shown(load("mahuika").path) == "sites/mahuika.toml"


def test_all_faults_at_once() -> None:
    with pytest.raises(SiteError) as caught:
        site(mpi={"flavor": "intel"}, nodes={"thin": {"cores": 0, "source": "docs"}}, status="gone")
    assert len(caught.value.problems) >= 3


@pytest.mark.parametrize("name", SITES)
def test_every_site_with_every_workload(name: str) -> None:
    """Rendered with and without a program, in a container, and as a heterogeneous job where the site can."""
    facts = load(name)
    for workload in workloads.names():
        for more in ({}, {"program": "x.py"}, {"program": "x.py", "image": "x.sif"}):
            if workload == "array":
                more = {**more, "tasks": 50, "table" if more else "commands": "tasks"}
            if workload == "array" and "array" in schedulers.get(facts.scheduler.type).lacks:
                more = {**more, "chunk": 50}
            made = plan(facts, Request(workload=workload, account="a", **more))
            text = render(made)
            for program in carried(made).values():  # in Python, None is a word
                assert text.count(program) == 1
                text = text.replace(program, "")
            assert text.startswith("#!/") and "None" not in text and "\0" not in text
    if facts.mpi.launcher == "srun":
        assert "--het-group=1" in render(plan(facts, Request(hetjob=True, account="a")))


@pytest.mark.parametrize("name", SITES)
def test_facts_are_dated_and_not_from_the_future(name: str) -> None:
    oldest, newest = load(name).facts_age()
    assert datetime.date(2000, 1, 1) < oldest <= newest <= datetime.date.today()


def test_what_a_silent_profile_has_too_needs_no_source() -> None:
    assert site(shell={"shebang": "/bin/bash"}, container={"binds": []}).shell.stated() == []
    with pytest.raises(SiteError, match="shell: no 'source' for shebang"):
        site(shell={"shebang": "/bin/bash -l"})


def test_aliases_and_files_find_a_site() -> None:
    assert load("m3").id == load("smu-m3").id == "m3-smu"
    assert load(load("mahuika").path).id == "mahuika"


def test_charges_are_read_and_cited() -> None:
    made = site(
        charge={"unit": "SU", "rates": {"cpu": 2, "mem_per_cpu": "4G"}, "qos": {"high": 2}, "source": "docs"},
        partitions={"express": {"nodes": ["thin"], "charge": {"cpu": 6, "mem_per_cpu": "4G"}, "source": "docs"}},
    )
    assert (made.charge.rates.cpu, made.charge.rates.mem_per_cpu, made.charge.qos) == (2.0, 4096, {"high": 2.0})
    assert made.partitions["express"].charge.cpu == 6 and made.partitions["short"].charge == Rates()
    assert made.cite("partitions", "express", "charge").source == "Docs"


def test_bins() -> None:
    """The first bin that holds a job says its time; one that none holds has the partition's."""
    bins = [{"cpus": 8, "max_time": "48h"}, {"cpus": 16, "max_time": "24h"}]
    made = site(partitions={"p": {"nodes": ["thin"], "max_time": "72h", "bins": bins, "source": "docs"}})

    def time_over(ntasks: int, time: str) -> str:
        with pytest.raises(LimitError) as wrong:
            plan(made, Request(workload="mpi", program="x", ntasks=ntasks, time=time, partition="p"))
        return str(wrong.value)

    assert "for jobs of up to 8 CPUs, partition p allows at most 2-00:00:00 [Docs, read 2026-01-02]" in time_over(8, "49h")
    assert "for jobs of up to 16 CPUs, partition p allows at most 1-00:00:00 [Docs, read 2026-01-02]" in time_over(9, "49h")
    assert "partition p allows at most 3-00:00:00 [Docs, read 2026-01-02]" in time_over(17, "73h")
    twins = {name: {"nodes": ["thin"], "max_time": "48h", "bins": bins, "source": "docs"} for name in ("p", "q")}
    made = site(partitions=twins)
    assert "allows at most 1-00:00:00 [Docs, read 2026-01-02]: use --time 1-00:00:00 or --partition long" in time_over(9, "49h")
    made = site(partitions={"p": {"nodes": ["thin"], "max_time": "72h", "bins": bins, "source": "docs"}})
    for ntasks, hours in ((8, "48h"), (16, "24h"), (17, "72h")):
        plan(made, Request(workload="mpi", program="x", ntasks=ntasks, time=hours, partition="p"))
    made = site(limits={"bins": bins, "source": "docs"}, partitions={"p": {"nodes": ["thin"], "source": "docs"}})
    assert "for jobs of up to 8 CPUs, tiny allows at most 2-00:00:00 [Docs, read 2026-01-02]" in time_over(8, "49h")


def test_folders_of_modules() -> None:
    made = site(modules={"use": ["/soft/modulefiles"]})
    script = render(plan(made, Request(workload="mpi", program="x.py", ntasks=2)))
    assert "module purge\nmodule use /soft/modulefiles\nmodule load" in script


def test_citation() -> None:
    made = site()
    assert str(made.cite("partitions", "short", "max_time")) == "fact tiny: partitions.short.max_time (Docs, read 2026-01-02)"
    assert tables()["scheduler"]["type"] == "slurm"


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile of one's own, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = tmp_path / "mine.toml"
    found.write_text(Path(load("mahuika").path).read_text())
    return found


def test_the_cache_gives_the_same_site(profile: Path) -> None:
    first = load(str(profile))
    assert [path.name for path in (profile.parent / "cache/hpcgen/toml").iterdir()] != []
    assert load(str(profile)) == first and first.sources == load("mahuika").sources


def test_a_changed_profile_is_read_again(profile: Path) -> None:
    load(str(profile))
    profile.write_text(profile.read_text().replace('operator = "', 'operator = "new '))
    assert load(str(profile)).operator.startswith("new ")


@pytest.mark.parametrize("damage", [b"", b"junk", b"\x93\x01\x02\xc0"])
def test_a_damaged_or_closed_cache_is_no_obstacle(profile: Path, damage: bytes) -> None:
    first = load(str(profile))
    (kept,) = (profile.parent / "cache/hpcgen/toml").glob("*mine.toml")
    kept.write_bytes(damage)
    assert load(str(profile)) == first
    kept.unlink()
    kept.mkdir()  # which even root cannot write as a file
    assert load(str(profile)) == first


def test_what_no_source_states_is_a_default_of_hpcgen() -> None:
    assert load("eagle").cite("shell", "shebang").kind == "default"
    assert load("mahuika").cite("shell", "shebang").kind == "fact"
