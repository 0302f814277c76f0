"""Holds what Slurm understood of a script against what was asked for.

Two measures: the plan's job, option by option, so that none is lost, altered or added; and the request itself, so that
a wrong plan and a script that is wrong in the same way do not agree.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
from typing import Any, Dict, List

import oracle
from oracle import Options
from stubs import RUNTIMES, WRAPPERS, Call, Stubs, as_asked

from hpcgen import Job
from hpcgen.model.job import Component
from hpcgen.script.render import carried


def mib(text: str) -> int:
    """MiB of an amount of memory as Slurm prints it: 1536, 3G, 2T, and 0? for all of the node's."""
    text = text.rstrip("?")
    factor = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}
    number, unit = (text[:-1], text[-1]) if text[-1] in factor else (text, "M")
    return int(int(number) * factor[unit])


def minutes(text: str) -> int:
    """Minutes of a time limit as Slurm prints it: [D-]HH:MM:SS, always whole minutes."""
    days, _, clock = text.rpartition("-")
    hours, mins, seconds = map(int, clock.split(":"))
    assert seconds == 0
    return (int(days or 0) * 24 + hours) * 60 + mins


def directives(script: str) -> List[List[str]]:
    """The directive lines of each component, all that the script holds: also those which sbatch would not read."""
    groups: List[List[str]] = [[]]
    for line in script.split("\n"):
        if line in ("#SBATCH hetjob", "#SBATCH packjob"):
            groups.append([])
        elif line.startswith("#SBATCH"):
            groups[-1].append(line[len("#SBATCH ") :])
    return groups


# Component 0's values hold for the components after it, which need not repeat them.
CARRIED = (
    "account", "time", "qos", "job-name", "output", "error", "open-mode", "mem", "chdir", "export", "dependency",
    "reservation", "signal", "array", "comment", "requeue", "no-requeue", "nice", "wckey",
)  # fmt: skip


def normal(options: Options) -> Options:
    """Values as plain numbers: memory in MiB, time in minutes, and gres without Slurm's own prefix."""
    found = dict(options)
    for key in ("mem", "mem-per-cpu", "mem-per-gpu"):
        if key in found:
            found[key] = str(mib(found[key]))
    if "time" in found:
        found["time"] = str(minutes(found["time"]))
    if "gres" in found:
        found["gres"] = ",".join(name[5:] if name.startswith("gres:") else name for name in found["gres"].split(","))
    return found


MAIL_ALL = "INVALID_DEPEND,BEGIN,END,FAIL,REQUEUE,STAGE_OUT"
SIGNALS = "HUP INT QUIT ABRT KILL ALRM TERM USR1 USR2 URG CONT STOP TSTP TTIN TTOU XCPU".split()
WIDE = ("account", "qos", "array", "export", "dependency", "reservation", "comment", "mail_user")
OWN = (
    "partition", "nodes", "ntasks", "ntasks_per_node", "ntasks_per_core", "cpus_per_task", "threads_per_core",
    "hint", "gres", "constraint", "nodelist", "exclude", "distribution", "licenses",
)  # fmt: skip


def spelt(values: Dict[str, Any]) -> Options:
    """Fields as options; those that are None are not written."""
    return {name.replace("_", "-"): str(value) for name, value in values.items() if value is not None}


def _signal(text: str) -> str:
    """As Slurm prints it: R before B, a name in place of a number where it knows one, and no 60 seconds, its default."""
    flags, _, rest = text.upper().rpartition(":")
    name, _, seconds = rest.removeprefix("SIG").partition("@")
    known = {str(getattr(signal, f"SIG{named}").value): named for named in SIGNALS}.get(name, name)
    ahead = f"{'R' * ('R' in flags)}{'B' * ('B' in flags)}:" if flags else ""
    return f"{ahead}{known}" + (f"@{int(seconds)}" if seconds and int(seconds) != 60 else "")


def wide(job: Any) -> Options:
    """What a Job and a Request say alike of the whole job, as Slurm reads it."""
    found = spelt({name: getattr(job, name) for name in WIDE})
    base = oracle.CWD if not job.chdir else job.chdir if job.chdir.startswith("/") else f"{oracle.CWD}/{job.chdir}"
    for key in ("output", "error"):
        if value := getattr(job, key):
            # sbatch's own word for no file at all
            found[key] = "/dev/null" if value.lower() == "none" else value if value.startswith("/") else f"{base}/{value}"
    if job.chdir:
        found["chdir"] = base
    if job.open_mode:
        found["open-mode"] = job.open_mode[0]
    if job.requeue is not None:
        found.update({"requeue": "requeue"} if job.requeue else {"no-requeue": "no-requeue"})
    if job.signal:
        found["signal"] = _signal(job.signal)
    if job.mail_type:
        found["mail-type"] = job.mail_type.upper().replace("ALL", MAIL_ALL)
    if job.time:
        found["time"] = str(-(-int(job.time) // 60))  # Slurm counts whole minutes, and rounds up
    return found


def planned(job: Job, part: Component) -> Options:
    """Every option that the plan gives this component, and no other."""
    found = {**wide(job), "job-name": job.name, **spelt({name: getattr(part, name) for name in OWN})}
    found.update(spelt({"mem": part.mem_mib, "mem_per_cpu": part.mem_per_cpu_mib, "mem_per_gpu": part.mem_per_gpu_mib}))
    if part.exclusive:
        found["exclusive"] = "exclusive"
    if part.gpus and not (part.gpus.per == "node" and part.gpus.style == "gres"):
        key = {"job": "gpus", "node": "gpus-per-node", "task": "gpus-per-task"}[part.gpus.per]
        found[key] = f"{part.gpus.type}:{part.gpus.count}" if part.gpus.type else str(part.gpus.count)
    return {**found, **directed(job.directives)}


def directed(lines: Any) -> Options:
    """Options that were given as whole directives, ``--name=value``."""
    words = [word.partition("=") for line in lines for word in shlex.split(line)]
    return {key[2:]: value or "set" for key, _, value in words}


def asked(request: Any) -> Options:
    """What the request itself says of the component that does the work; GPUs apart, whose style is the site's."""
    own = {name: getattr(request, name) for name in OWN if name not in ("ntasks", "gres")}
    memory = {name: getattr(request, name) for name in ("mem", "mem_per_cpu", "mem_per_gpu")}
    found = {**wide(request), **spelt(own), **spelt({name: value and int(value) for name, value in memory.items()})}
    if request.job_name:
        found["job-name"] = request.job_name
    if request.exclusive:
        found["exclusive"] = "exclusive"
    if request.workers or request.ntasks:
        ranks = request.ntasks or request.workers + 2
        others = sum(int(text.split("x")[0].split(":")[0]) for text in request.mpmd) if request.mpmd else 2
        found["ntasks"] = str(ranks - others if request.hetjob else ranks)
    if request.cpus_per_worker:
        found["cpus-per-task"] = str(request.cpus_per_worker)
    return found


def gpus(options: Options, request: Any) -> None:
    """As many GPUs as were asked for, in whichever of Slurm's ways."""
    want = request.gpus or request.gpus_per_node or request.gpus_per_task
    given = [options[key] for key in ("gpus", "gpus-per-node", "gpus-per-task") if key in options]
    given += [name[4:] for name in options.get("gres", "").split(",") if name.startswith("gpu:")]
    asked_gres = [name[4:] for name in (request.gres or "").split(",") if name.startswith("gpu:")]
    if want is None:
        assert given == asked_gres
    elif request.gpus and "gpus" not in options:
        total = int(given[0].rpartition(":")[2]) * int(options.get("nodes", 1))
        assert f"{want.rpartition(':')[0]}:{total}".lstrip(":") == want
    else:
        assert given == [want, *asked_gres]


def judged(script: str, job: Job, request: Any) -> None:
    """The script's directives, as sbatch understands them, are what was asked for, and nothing else."""
    verdict = oracle.sbatch(script)
    assert verdict.errors == []
    assert len(verdict.components) == len(job.components)
    lines = directives(script)
    carried: Options = {}
    for part, options, written in zip(job.components, map(normal, verdict.components), lines):
        expected = {**carried, **planned(job, part)}
        assert options == expected
        names = [line.split("=")[0].lstrip("-") for line in written]
        assert len(names) == len(set(names))
        assert set(expected) - set(carried) <= set(names) <= set(expected)
        assert {**options, **wide(request)} == options
        carried = {**carried, **{key: options[key] for key in options if key in CARRIED}}
    last = normal(verdict.components[0 if request.mpmd else -1])
    assert {**last, **asked(request), **directed(request.directive)} == last
    gpus(last, request)


def launched(script: str, job: Job, request: Any, stubs: Stubs) -> None:
    """The launch line as srun understands it: components, CPUs of each, PMI type, program and arguments."""
    if request.stage:  # whose own launches copy files: tests/test_staging.py has them
        return
    step = job.steps[0]
    stubs.empty()
    if request.program and "/" in request.program and not os.path.isabs(request.program):
        stubs.program(stubs.cwd / request.program)
    if job.container:
        assert stubs.image(job.container.image)
    if job.setup.venv:
        stubs.image(f"{job.setup.venv}/bin/activate")
    ran = stubs.run(script, "bash")
    calls = ran.of("srun")
    if step.launcher != "srun":
        assert calls == []
        return
    assert len(calls) == 1, ran
    pmi = [f"--mpi={step.pmi}"] if step.pmi else []
    assert calls[0].args[: len(pmi)] == [os.fsencode(word) for word in pmi]
    here = pmi if step.pmi in oracle.mpi_types() else []  # a type that this srun does not have is compared as written
    parts, errors = oracle.srun([*here, *calls[0].args[len(pmi) :]], len(job.components))
    assert errors == []
    parts_started(parts, job, here)
    if not request.mpmd:  # tests/test_mpmd.py has what ranks become
        programs = ran.calls[ran.calls.index(calls[0]) + 1 :]
        runs = [call for call in programs if os.fsdecode(call.name) not in (*RUNTIMES, *WRAPPERS)] or programs
        assert len(runs) == len(parts), ran
        for call in runs:
            program_started(call, job, request, stubs)


def parts_started(parts: List[Any], job: Job, pmi: List[str]) -> None:
    """What srun understood of each part of the line: one for each component, with its CPUs, and the PMI in the first alone."""
    step = job.steps[0]
    assert len(parts) == len(job.components)
    for i, (part, component) in enumerate(zip(parts, job.components)):
        # where the site gives a task a core, srun would have tasks of one CPU share a thread
        apart = step.core_each and component.cpus_per_task == 1 and not (component.ntasks_per_core or component.hint)
        assert part.options.get("cpus-per-task") == (None if apart else str(component.cpus_per_task))
        assert part.options.get("threads-per-core") in (None, "1" if step.cpu == "core" else None)
        # srun shows a group but the first, which is its default
        assert part.options.get("het-group") == (str(i) if i else None)
        known = {"cpus-per-task", "cpu-bind", "threads-per-core", "het-group", "mpi", "kill-on-bad-exit", "wait"}
        assert known >= set(part.options)
        assert [word for word in part.written if word.startswith("--mpi")] == (pmi if i == 0 else [])


def program_started(call: Call, job: Job, request: Any, stubs: Stubs) -> None:
    """What a task was started with: the program and its arguments, or the self-check."""
    if job.steps[0].commands[0].told:
        # of `apptainer run IMAGE` nothing but the image's own run script would call Python
        call = as_asked(call._replace(args=call.args[call.args.index(b"-c") :]), job)
    if request.program:
        assert call.args[len(call.args) - len(request.args) :] == [os.fsencode(text) for text in request.args]
        path = re.sub("^~(?=/)", str(stubs.home), request.program)
        assert os.fsencode(path) in call.args or os.fsdecode(call.name) == os.path.basename(request.program)
    else:
        assert os.fsencode(carried(job)["selfcheck"]) in call.args
