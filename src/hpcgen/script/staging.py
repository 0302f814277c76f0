"""Copies files and environments to each node before the program starts.

If srun starts the program, it also starts the copying on each node, one component after the other. If there is more than one
node, sbcast sends the files, so the shared file system is read only once for each component. Without the number of a component,
sbcast sends to the nodes of all components (22.05, 24.11, 26.05). This fails if each component has a private /tmp by
job_container/tmpfs (24.11). If another launcher starts the program, it starts the copying on every rank, and the first rank on
each node copies.
"""

from __future__ import annotations

from typing import List, Optional, Tuple

import msgspec

from hpcgen.base.shell import join, word
from hpcgen.launch import launchers
from hpcgen.launch.launchers import exported, launch
from hpcgen.model.job import Command, Job
from hpcgen.model.spelled import Spelled, of_job

# Each node reads the text of the staging script from its environment.
NODE = 'eval "$HPCGEN_STAGE"'
HANDED = 'eval "${HPCGEN_STAGE:?hpcgen: staging on $(uname -n) failed: %s did not pass this variable on}"'
SRUN = ("--mpi=none", "--export=ALL", "--cpu-bind=none", "--cpus-per-task=1")
# Copying gets all of the job's memory on the node, not only that of one CPU: unpacking fills the page cache, and local storage
# may be in memory. Source: srun(1), --mem. Removing does not need it, and would wait until the program frees its memory.
WHOLE = "--mem=0"


def spelled(job: Job) -> Optional[Spelled]:
    """The values for the template of staging: the folder, and the lines that copy to every node and clean up there.

    `sending`: the lines for sbcast. `several`: the condition for these lines if the number of nodes is unknown in advance.
    `components`: the numbers of the components that sbcast must name.
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
    """The lines that run this verb, with these paths, on each node."""
    step, (file, *args) = job.steps[0], _words(verb)
    handed = not (launchers.get(step.launcher).of_slurm or step.launcher == "none")
    if handed and verb != "remove":  # a node without the variable has nothing to remove
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
    """Pass the command to bash as one word, because srun starts another component at a word that is only a colon."""
    return f"bash -c {word('exec ' + join([command.file or '', *command.args]))}"
