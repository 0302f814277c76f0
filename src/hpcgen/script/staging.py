"""Files and environments that each node gets a copy of before the program starts.

Where srun starts the program, it also starts what each node does, one component after the other, and sbcast carries all to
more nodes than one: it reads the shared file system once for each component. Without a component's number sbcast reaches the
nodes of all (22.05, 24.11, 26.05), but not where each component's job has a /tmp of its own, by job_container/tmpfs (24.11).
Elsewhere the program's own launcher starts the copying on every rank, of which the first on each node does it.
"""

from __future__ import annotations

from typing import List, Optional, Tuple

import msgspec

from hpcgen.base.shell import join, word
from hpcgen.launch import launchers
from hpcgen.launch.launchers import exported, launch
from hpcgen.model.job import Command, Job
from hpcgen.model.spelled import Spelled, of_job

# The script's own text, which each node reads from its environment.
NODE = 'eval "$HPCGEN_STAGE"'
HANDED = 'eval "${HPCGEN_STAGE:?hpcgen: nothing is staged on $(uname -n): %s did not hand this variable on}"'
SRUN = ("--mpi=none", "--export=ALL", "--cpu-bind=none", "--cpus-per-task=1")
# All of the job's memory on the node, not that of this one CPU: unpacking fills the page cache, and local storage may be
# memory. Source: srun(1), --mem. Removing, which has no need of it, would wait for the program's own memory to be free.
WHOLE = "--mem=0"


def spelled(job: Job) -> Optional[Spelled]:
    """What the template of staging finds: the folder, and lines that copy to every node, or remove from it.

    `sending` are those of sbcast, which `several` keeps for jobs of more than one node where that is not known beforehand;
    `components` are the numbers of those that it must name.
    """
    if job.stage is None:
        return None
    step, asked = job.steps[0], of_job(job, "stage")
    nodes = sum(job.components[i].nodes or job.components[i].ntasks for i in {*step.components})
    sends = launchers.get(step.launcher).of_slurm and nodes > 1
    known = job.hetjob or job.components[0].nodes
    sending = [*_nodewise(job, "receive"), f"{join(_words('send'))} {join(job.stage.paths)}"] if sends else []
    values = {
        "parent": job.stage.parent,
        "sending": tuple(sending if known else [f"    {line}" for line in sending]),
        "several": '"$SLURM_JOB_NUM_NODES" -gt 1' if sends and not known else None,
        "components": " ".join(map(str, dict.fromkeys(step.components))) if job.hetjob else None,
        "copying": tuple(_nodewise(job, "copy", job.stage.paths)),
        "removing": tuple(_nodewise(job, "remove")),
    }
    return Spelled(values, {**dict.fromkeys(values, asked), "parent": (job.stage.origins["parent"],)})


def _words(verb: str) -> List[str]:
    return ["bash", "-c", NODE, verb]


def _nodewise(job: Job, verb: str, paths: Tuple[str, ...] = ()) -> List[str]:
    """The lines by which each node does this; the words after the verb are the paths."""
    step, (file, *args) = job.steps[0], _words(verb)
    handed = not (launchers.get(step.launcher).of_slurm or step.launcher == "none")
    if handed and verb != "remove":  # where it did not arrive, nothing is to be removed
        args[1] = HANDED % step.launcher
    command = Command(file=file, args=(*args, *paths))
    bare = msgspec.structs.replace(job, container=None)
    if not launchers.get(step.launcher).of_slurm:
        parts = tuple(dict.fromkeys(step.components))
        own = msgspec.structs.replace(step, components=parts, commands=tuple(command for _ in parts), through=None, rank=None)
        options = (*step.options, *exported(step.flavour, step.launcher, ["HPCGEN_STAGE"]))
        return [launch(bare, msgspec.structs.replace(own, options=options))]
    return [_srun(bare, command, i, verb) for i in dict.fromkeys(step.components)]


def _srun(job: Job, command: Command, component: int, verb: str) -> str:
    group = launchers.grouped(job)
    suffix = f"_{group.replace('-', '_').upper()}_{component}"
    nodes = f'"$SLURM_JOB_NUM_NODES{suffix if job.hetjob else ""}"'
    words = ["srun", *([f"--{group}={component}"] if job.hetjob else []), *SRUN, *([WHOLE] if verb == "copy" else [])]
    words_of = join([command.file or "", *command.args]) if ":" not in command.args else _one_word(command)
    return f"{join(words)} --ntasks-per-node=1 --nodes={nodes} --ntasks={nodes} {words_of}"


def _one_word(command: Command) -> str:
    """A colon of its own would start another component."""
    return f"bash -c {word('exec ' + join([command.file or '', *command.args]))}"
