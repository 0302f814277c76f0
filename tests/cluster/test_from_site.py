"""A profile makes a miniature of the same shape."""
from __future__ import annotations

import pytest

pytest.importorskip("hpcgen", reason="hpcgen is not installed")

from hpcgen.profiles.listing import listing
from hpcgen.profiles.load import decode, load

from . import from_site, slurm

PROFILE = {
    "name": "Example", "operator": "Nobody", "country": "NZ", "status": "active",
    "sources": {"page": {"title": "A page", "url": "https://example.org", "date": "2026-01-01"}},
    "scheduler": {"type": "slurm", "hetjob": False, "source": "page"},
    "shell": {"source": "page"},
    "modules": {"python": ["Python/3.9"], "container": ["Apptainer"], "source": "page"},
    "mpi": {"flavour": "intel", "pmi": "pmi2", "pmi_library": "/opt/slurm/lib64/libpmi2.so", "source": "page"},
    "network": {"interface": "ib0", "source": "page"},
    "cpu": {"unit": "thread", "source": "page"},
    "nodes": {
        "thin": {"cores": 36, "mem": "105GiB", "threads_per_core": 2, "features": ["skylake"], "source": "page"},
        "gpu": {"cores": 16, "mem": "128GiB", "count": 1, "gpus": 4, "gpu": "a100", "source": "page"},
    },
    "partitions": {
        "large": {"nodes": ["thin"], "default": True, "max_time": "3-00:00:00", "source": "page"},
        "gpu": {"nodes": ["gpu"], "max_time": "1:00:00", "source": "page"},
    },
}


def test_tasks_that_never_share_a_core():
    shape = from_site.shape(decode("example", {**PROFILE, "cpu": {**PROFILE["cpu"], "task_per_core": True}}, "example.toml"))
    assert "SelectTypeParameters=CR_Core_Memory,CR_ONE_TASK_PER_CORE\n" in slurm.configuration(shape, "/logs")


def test_configuration_says_what_the_profile_says():
    shape = from_site.shape(decode("example", PROFILE, "example.toml"))
    text = slurm.configuration(shape, "/logs")
    assert (
        "NodeName=thin-01 CPUs=72 Sockets=2 CoresPerSocket=18 ThreadsPerCore=2 RealMemory=107520 State=UNKNOWN Feature=skylake"
        in text
    )
    assert "PartitionName=large Nodes=thin-01,thin-02,thin-03 MaxTime=4320 State=UP Default=YES" in text
    assert "PartitionName=gpu Nodes=gpu-01 MaxTime=60 State=UP Default=NO" in text
    assert "Gres=gpu:a100:4" in text and "SchedulerType=sched/builtin" in text
    assert shape.interface == "ib0" and shape.pmi_library == "/opt/slurm/lib64/libpmi2.so"
    assert {module.name: module.gives for module in shape.modules} == {"Python/3.9": "impi", "Apptainer": "apptainer"}


@pytest.mark.parametrize("name", list(listing()))
def test_every_slurm_profile_makes_a_miniature(name):
    one = load(name)
    if one.scheduler.type == "slurm":
        shape = from_site.shape(one)
        known = {host.name for host in shape.hosts}
        assert len(known) == len(shape.hosts)
        assert all(set(partition.hosts) <= known for partition in shape.partitions)
