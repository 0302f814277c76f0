"""Write docs/options.md from the fields of Request, so that the page and the command line cannot disagree.

    python docs/options.py            # write docs/options.md
    python docs/options.py --check    # exit with status 1 if docs/options.md is out of date

Names, flags, types and descriptions come from `hpcgen.request.fields.Request`. What an option becomes in a script comes from
the tables below: an option that is missing there stops this program, and so does an entry for an option that does not exist.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Literal, NamedTuple, Tuple, get_args, get_origin, get_type_hints

from hpcgen import workloads
from hpcgen.base.units import Memory, Time
from hpcgen.request.fields import Request

PAGE = Path(__file__).with_name("options.md")


class Becomes(NamedTuple):
    """What an option becomes in a Slurm script, and in a script for a machine without a scheduler."""

    slurm: str
    local: str = "same"


NOTE = "ignored, with a note"
DIRECTIVE = Becomes("the directive of that name", NOTE)
EVERY_COMPONENT = Becomes(
    "the directive, repeated in each component; options that only concern the workers go to the workers' component", NOTE
)
GPUS = Becomes("`--gpus`, `--gpus-per-node` or `--gres=gpu:`, as the site asks; with the type if its pages name types", NOTE)
MEMORY = Becomes("one style for the whole job, in whole M, G or T", "the memory limit of the self-check")
CPUS = Becomes("`--cpus-per-task=`, repeated on `srun`, and `OMP_NUM_THREADS`", "`OMP_NUM_THREADS`")
LAUNCHER = Becomes("what the launcher tells each rank of Dask")
SMALL = Becomes("with `--hetjob`: the size of the scheduler and of the client, each; the default is 1 CPU and 1G", "refused")
TASKS = Becomes("the array: how many tasks, how many in each job, how many jobs at a time", "the tasks run one after the other")
SETUP = Becomes("lines before the launch")
CONTAINER = Becomes("the launch line and `APPTAINER_BIND`")
SPLIT = Becomes("`--hint=nomultithread` for whole cores, `--threads-per-core=2` for hardware threads", "refused")

# Every option once: the section that it stands in, and what it becomes.
SECTIONS: Dict[str, Dict[str, Becomes]] = {
    "Site and workload": {
        "site": Becomes("selects the profile, which gives directives, modules and launcher their form"),
        "workload": Becomes("selects the launch lines: [the workloads](commands.md#workloads)"),
        "mpmd": Becomes("another program of the same MPI job: [MPI](mpi.md)"),
    },
    "Resources": {
        "nodes": DIRECTIVE,
        "ntasks": Becomes("`--ntasks=`; for Dask-MPI this is workers + 2", "`mpiexec -n`"),
        "ntasks_per_node": DIRECTIVE,
        "cpus_per_task": CPUS,
        "mem": MEMORY._replace(slurm=MEMORY.slurm + "; `--mem 0` is all memory of each node"),
        "mem_per_cpu": MEMORY,
        "mem_per_gpu": MEMORY,
        "gpus": GPUS,
        "gpus_per_node": GPUS,
        "gpus_per_task": GPUS,
        "cpus_per_gpu": Becomes("converted to `--cpus-per-task=`: `srun` and OpenMP need that number", "`OMP_NUM_THREADS`"),
        "tmp": Becomes("`--tmp=`", NOTE),
        "exclusive": EVERY_COMPONENT,
    },
    "Time, queue and account": {
        "time": Becomes("`--time=[D-]HH:MM:SS`", NOTE),
        "partition": Becomes("`--partition=`; chosen for you if the site does not route jobs itself", NOTE),
        "account": DIRECTIVE,
        "qos": DIRECTIVE,
        "reservation": DIRECTIVE,
        "dependency": DIRECTIVE,
        "requeue": DIRECTIVE,
        "signal": DIRECTIVE,
    },
    "Name, output and mail": {
        "job_name": DIRECTIVE,
        "output": DIRECTIVE,
        "error": DIRECTIVE,
        "open_mode": DIRECTIVE,
        "chdir": Becomes("the directive of that name", "`cd` in the script"),
        "export": DIRECTIVE,
        "mail_type": DIRECTIVE,
        "mail_user": DIRECTIVE,
        "comment": DIRECTIVE,
    },
    "Environment": {
        "module": SETUP,
        "conda": SETUP,
        "venv": SETUP,
        "userbase": SETUP,
        "python": Becomes("the interpreter on the launch line"),
        "launcher": Becomes("`installed`: `python -m hpcgen.dask` (or `.ray`) in place of the launcher's text"),
        "env": SETUP,
        "stage": Becomes("`sbcast`, and a folder on each node that is removed at the end: [staging](staging.md)",
                         "copies to a folder in `$TMPDIR`"),
    },
    "Containers": {"image": CONTAINER, "bind": CONTAINER, "container_verb": CONTAINER},
    "Dask": {
        "workers": Becomes("`--ntasks=` of the workers' component; in a plain job, workers + 2", "`mpiexec -n`, workers + 2"),
        "cpus_per_worker": CPUS,
        "threads_per_worker": LAUNCHER,
        "hetjob": Becomes("a second component, and one `srun` with both: [heterogeneous jobs](heterogeneous-jobs.md)",
                          "refused without `--flatten`"),
        "flatten": Becomes("nothing if the site takes heterogeneous jobs; else equal ranks, and a note about the idle CPUs"),
        "scheduler_cpus": SMALL,
        "scheduler_mem": SMALL,
        "share_core": Becomes("`--ntasks-per-core=2` for scheduler and client, by default if CPUs are hardware threads; "
                              "`--no-share-core`: `--threads-per-core=1`", "refused"),
        "worker_class": LAUNCHER,
        "local_directory": LAUNCHER,
        "interface": LAUNCHER,
        "runner": Becomes("`mpi`: MPI ranks; `slurm`: ranks by `srun`, no MPI; `local`: a LocalCluster", "`mpi` or `local`"),
        "plain": Becomes("the program without the launcher"),
    },
    "Ray and PyTorch": {
        "object_store_memory": Becomes("the size of Ray's object store"),
        "symmetric_run": Becomes("starts Ray with `ray symmetric-run`: [Ray](ray.md)"),
        "nproc_per_node": Becomes("torchrun's processes on each node: [torchrun](torchrun.md)"),
    },
    "Arrays": {
        "array": Becomes("`--array=`; refused with `--hetjob`", "refused"),
        "commands": TASKS,
        "table": TASKS,
        "tasks": TASKS,
        "chunk": TASKS,
        "throttle": TASKS,
    },
    "Placement": {
        "ntasks_per_core": DIRECTIVE,
        "threads_per_core": EVERY_COMPONENT,
        "hyperthreads": SPLIT,
        "hint": EVERY_COMPONENT,
        "constraint": EVERY_COMPONENT,
        "nodelist": EVERY_COMPONENT,
        "exclude": EVERY_COMPONENT,
        "distribution": EVERY_COMPONENT,
    },
    "Other options": {
        "gres": EVERY_COMPONENT,
        "licenses": EVERY_COMPONENT,
        "resource": Becomes("refused: Slurm has no such resources; for PBS and Grid Engine", NOTE),
        "directive": Becomes("the text, unchanged: `--directive '--nice=100'`", "refused"),
        "mpi": Becomes("`srun --mpi=`, in place of the profile's type", NOTE),
        "kill_on_bad_exit": Becomes("`srun`'s own option; by default, a Dask worker that dies does not end the job", "refused"),
    },
}

HEAD = """# All options

<!-- Made by docs/options.py from the fields of Request: change those, then run `python docs/options.py`. -->

Options have the names of `sbatch` where `sbatch` has the option, including its short forms. `hpcgen COMMAND --help` shows the
same list. In [job.toml and config.toml](configuration.md) the keys are the same names with underscores: `cpus_per_task = 4`. An
option that you can repeat is a list there, and `NAME=VALUE` options are a table.

The program and its arguments come last on the command line. Everything after the program's name is passed to the program.

The last two columns say what an option becomes in a script for Slurm, and in one for a machine without a scheduler (`hpcgen
local`). For PBS, Grid Engine, LSF and Flux, see [schedulers](schedulers.md). An option that a scheduler does not support is
refused, with an alternative, or ignored, with a note; it never disappears silently.

Values: TIME is `90m`, `2h`, `1:30:00` or `1-12:00:00`. SIZE is `512M`, `40G` or `1T`. GPUs are `2` or, with a type, `h100:2`.
"""


def kind(annotated: Any) -> str:
    """The value that an option takes; empty for a switch."""
    inner = annotated
    several = ""
    while get_args(inner) and get_origin(inner) is not Literal:
        several = {tuple: "list", dict: "NAME=VALUE"}.get(get_origin(inner), several)
        inner = get_args(inner)[0]
    if several == "NAME=VALUE":
        return several
    if get_origin(inner) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(inner))
    return {Time: "TIME", Memory: "SIZE", bool: "", int: "N"}.get(inner, "TEXT")


def flags(name: str, annotated: Any) -> str:
    """All forms of an option, the full name first."""
    full = f"--{name.replace('_', '-')}"
    text = f"`{full}`" if kind(annotated) else f"`{full}`, `--no-{full[2:]}`"
    return ", ".join([text, *(f"`{flag}`" for flag in annotated.__metadata__[0].extra["flags"])])


def row(name: str, annotated: Any, becomes: Becomes) -> str:
    value = " or ".join(f"`{one}`" for one in workloads.names()) if name == "workload" else kind(annotated)
    description = annotated.__metadata__[0].description.replace("|", "\\|")
    return f"| {flags(name, annotated)} | {value} | {description} | {becomes.slurm} | {becomes.local} |"


def faults(names: List[str]) -> Iterator[str]:
    """Options without an entry, entries without an option, and options with two."""
    listed = [name for section in SECTIONS.values() for name in section]
    for name in names:
        if listed.count(name) != 1:
            yield f"{name}: {listed.count(name)} entries in SECTIONS of docs/options.py, not 1"
    yield from (f"{name}: in SECTIONS of docs/options.py, but not a field of Request" for name in listed if name not in names)


def page() -> str:
    """The text of docs/options.md. Exits if the tables above do not match the fields of Request."""
    hints: Dict[str, Any] = get_type_hints(Request, include_extras=True)
    known: Tuple[str, ...] = tuple(name for name in Request.__struct_fields__ if name not in ("program", "args"))
    if problems := list(faults(list(known))):
        sys.exit("\n".join(problems))
    parts = [HEAD]
    for title, section in SECTIONS.items():
        lines = [row(name, hints[name], becomes) for name, becomes in section.items()]
        table = ["| option | value | meaning | in a Slurm script | without a scheduler |", "|---|---|---|---|---|", *lines]
        parts.append(f"## {title}\n\n" + "\n".join(table) + "\n")
    return "\n".join(parts)


def main() -> None:
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit("docs/options.md is out of date: run `python docs/options.py`")
    else:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
