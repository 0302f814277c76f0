"""Launchers turn a step of a job into a command line. There is one record for each, under the launcher's name."""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from hpcgen import schedulers
from hpcgen.base.shell import join, word
from hpcgen.launch import binding, mpis
from hpcgen.launch.programs import programs
from hpcgen.model.job import Job, Step
from hpcgen.model.layout import all_gpus, tasks_by_node


class Launcher(NamedTuple):
    """A launcher, by its name in profiles."""

    name: str
    # The command line of a step, quoted for bash.
    line: Callable[[Job, Step], str]
    # Whether it starts the components of a heterogeneous job as one MPI_COMM_WORLD, if the scheduler has such jobs.
    colon: bool = False
    # Whether it can start a program once on each node, with its words unchanged and the script's variables.
    each_node: bool = False
    # Whether it is a shell script that passes its words to a shell again, so that only plain words arrive unchanged.
    resplits: bool = False
    # Whether the script runs on a shared launch node, from which this launcher starts programs on the job's nodes.
    elsewhere: bool = False
    # Whether it is part of the MPI, with the MPI's options, and needs the MPI's modules.
    of_mpi: bool = False
    # Whether it is Slurm's: it has --mpi for the PMI type, and --kill-on-bad-exit.
    of_slurm: bool = False
    # Whether it binds ranks with several CPUs, each to its own CPUs, with every MPI.
    binds: bool = False
    # The variable with a process's rank in MPI_COMM_WORLD.
    rank: Optional[str] = None


def launch(job: Job, step: Step) -> str:
    """The command line of a step, quoted for bash."""
    return LAUNCHERS[step.launcher].line(job, step)


def _line(job: Job, start: str, parts: Sequence[str]) -> str:
    """Parts joined by a colon, each on its own line. A script that carries a launcher has its launch line within `main`."""
    continued = " \\\n" + " " * (9 if job.carries("launcher") else 5)
    first = continued if job.carries("launcher") and len(parts) > 1 else " "
    return f"{start}{first}" + f" :{continued}".join(parts)


def srun(job: Job, step: Step) -> str:
    """Slurm's launcher. Each part states its CPUs: from 22.05 up to 23.11 srun does not take them from the job.

    In a heterogeneous job, the colon form gives each component its own CPUs and environment, but one
    MPI_COMM_WORLD; --mpi belongs on the first part only. Source: slurm src/srun/opt.c; run on 22.05.8.
    """
    group = grouped(job)
    parts = []
    for i, program in zip(step.components, programs(job, step)):
        options = [f"--{group}={i}"] if job.hetjob else []
        options += binding.of_srun(job, step, job.components[i])
        parts.append(f"{join(options)} {program}".lstrip())
    pmi = [f"--mpi={step.pmi}"] if step.pmi else []
    first = [*binding.before_srun(job, step), "srun", *pmi, *ENDS[step.kill_on_bad_exit]]
    return _line(job, join(first), parts)


def grouped(job: Job) -> str:
    """Slurm's option for a component of a heterogeneous job; its name changed with 20.02."""
    return "pack-group" if job.scheduler_version and job.scheduler_version < "20.02" else "het-group"


# A site's WaitTime would end the other tasks some time after the first one. Source: srun(1), --wait.
ENDS = {None: (), True: ("--kill-on-bad-exit=1",), False: ("--kill-on-bad-exit=0", "--wait=0")}


def mpiexec(job: Job, step: Step) -> str:
    """The MPI standard's form: -n for each part, parts joined by a colon."""
    counts = [command.ntasks or job.components[i].ntasks for i, command in zip(step.components, step.commands)]
    if step.rank:
        counts = [sum(counts)]
    ours = exported(step.flavour, step.launcher, (name for name, _ in job.setup.env))
    words = join([step.launcher, *step.options, *ours, *binding.of_mpiexec(job, step)])
    words = " ".join([*binding.before_mpiexec(job, step), words])
    return _line(job, words, [f"-n {n} {p}" for n, p in zip(counts, programs(job, step))])


def exported(flavour: Optional[str], launcher: str, names: Iterable[str]) -> List[str]:
    """Words that export variables to other nodes, for all parts of a line, if the launcher exports none by itself."""
    option = mpis.get(flavour).export_option if LAUNCHERS[launcher].of_mpi else None
    return [text for name in names for text in (option, name)] if option else []


def pals(job: Job, step: Step) -> str:
    """HPE Cray's mpiexec. It binds a rank to --depth CPUs. Source: mpiexec(1) of PALS 1.2; ALCF's and NCAR's guides."""
    parts = []
    for i, program in zip(step.components, programs(job, step)):
        c = job.components[i]
        counts = tasks_by_node(c)
        spread = ["--ppn", str(max(counts))] if counts else []
        words = ["-n", str(c.ntasks), *spread, "--depth", str(c.cpus_per_task), "--cpu-bind", "depth"]
        parts.append(f"{join(words)} {program}")
    return _line(job, join(["mpiexec", *step.options]), parts)


def gerun(job: Job, step: Step) -> str:
    """UCL's wrapper: it starts slots / OMP_NUM_THREADS ranks. It passes its words to a shell, which parses them again.

    If the ranks need another number of threads (Dask's workers start their own), gerun gets the number of CPUs and the
    ranks get their number of threads. Source: UCL's documentation of Example_Jobscripts and of MPI.
    """
    cpus, threads = str(job.components[0].cpus_per_task), dict(job.setup.env).get("OMP_NUM_THREADS", "1")
    words = join(["gerun", *step.options])
    if cpus == threads:
        return _resplit(job, step, words)
    return _resplit(job, step, f"OMP_NUM_THREADS={cpus} {words}", f"env OMP_NUM_THREADS={word(threads)} ")


def ibrun(job: Job, step: Step) -> str:
    """TACC's wrapper. It gets the number of ranks from the scheduler. Source: TACC's user guides."""
    return _resplit(job, step, join(["ibrun", *step.options]))


def _resplit(job: Job, step: Step, start: str, env: str = "") -> str:
    """Words that are not plain go into a file next to the job, with the programs that the script carries: bash reads both
    unchanged."""
    text = env + programs(job, step)[0]
    if re.fullmatch(r"[\w./=:@%+, -]+", text, re.ASCII):
        return f"{start} {text}"
    held = [*(one.name for one in job.carried), *(name for name, _ in step.told)]
    own = " ".join(f'{name} "${name}"' for name in held if f'"${name}"' in text)
    variables = f"printf '%s=%q\\n' {own}; " if own else ""
    file = f'"hpcgen-{schedulers.get(job.scheduler).job_number(job)}.sh"'
    line = "\n" + " " * (4 if job.carries("launcher") else 0)
    return f"{{ {variables}printf '%s\\n' {word(text)}; }} > {file}{line}{start} bash {file}"


def ccc_mprun(job: Job, step: Step) -> str:
    """TGCC's wrapper. Source: TGCC's public documentation of ccc_mprun: -n ranks, -c cores of each."""
    c = job.components[step.components[0]]
    words = ["ccc_mprun", *step.options, "-n", str(c.ntasks), "-c", str(c.cpus_per_task)]
    return f"{join(words)} {programs(job, step)[0]}"


def jsrun(job: Job, step: Step) -> str:
    """IBM's launcher: a resource set per rank, with cores and GPUs; -r: sets per node. Source: OLCF's Summit guide."""
    return " ".join([*starter(job, step), programs(job, step)[0]])


def starter(job: Job, step: Step) -> List[str]:
    """Words that start a program on the job's nodes, if the script itself does not run on them."""
    if not LAUNCHERS[step.launcher].elsewhere:
        return []
    c = job.components[step.components[0]]
    counts, cards = tasks_by_node(c), all_gpus(c)
    words = ["jsrun", *step.options, "-n", str(c.ntasks), "-a", "1", "-c", str(c.cpus_per_task), "-g", str(cards // c.ntasks)]
    spread = ["-r", str(max(counts))] if counts else []
    return [word(text) for text in (*words, *spread, "-b", f"packed:{c.cpus_per_task}", "-d", "packed")]


def flux(job: Job, step: Step) -> str:
    """Flux's launcher, inside the allocation of flux batch. Source: flux-run(1)."""
    c = job.components[step.components[0]]
    nodes = c.nodes or (len(tasks_by_node(c) or ()) if c.ntasks_per_node else None)
    words = ["flux", "run", *step.options, *(["-N", str(nodes)] if nodes else []), "-n", str(c.ntasks)]
    cards = ["-g", str(all_gpus(c) // c.ntasks)] if all_gpus(c) else []
    return f"{join([*words, '-c', str(c.cpus_per_task), *cards])} {programs(job, step)[0]}"


def none(job: Job, step: Step) -> str:
    """No launcher: the script runs the program itself, once."""
    return programs(job, step)[0]


LAUNCHERS: Dict[str, Launcher] = {
    one.name: one
    for one in (
        # Sources of the variables with the rank: srun(1); PALS's mpiexec(1); flux-run(1); mpirun(1) of Open MPI; jsrun starts
        # IBM Spectrum MPI, which has the variables of Open MPI.
        Launcher("srun", srun, colon=True, each_node=True, of_slurm=True, binds=True, rank="SLURM_PROCID"),
        Launcher("mpiexec", mpiexec, colon=True, each_node=True, of_mpi=True, rank="OMPI_COMM_WORLD_RANK"),
        Launcher("mpirun", mpiexec, colon=True, each_node=True, of_mpi=True, rank="OMPI_COMM_WORLD_RANK"),
        Launcher("pals", pals, colon=True, each_node=True, binds=True, rank="PALS_RANKID"),
        Launcher("gerun", gerun, resplits=True),
        Launcher("ibrun", ibrun, resplits=True),
        Launcher("ccc_mprun", ccc_mprun),
        # Source: OLCF's Summit guide.
        Launcher("jsrun", jsrun, elsewhere=True, binds=True, rank="OMPI_COMM_WORLD_RANK"),
        Launcher("flux", flux, each_node=True, rank="FLUX_TASK_RANK"),
        Launcher("none", none),
    )
}


def get(name: str) -> Launcher:
    """Raises KeyError for an unknown name; profiles are checked before."""
    return LAUNCHERS[name]


def binds(job: Job, step: Step) -> bool:
    """Whether ranks with several CPUs are each bound to their own CPUs, so that their threads can be bound to these too."""
    one = LAUNCHERS[step.launcher]
    return binding.mpi_binds(job, step) if one.of_mpi else one.binds and binding.divides(job, step)


def alone(launcher: str) -> str:
    """The launcher for a single process: "none", unless the script runs on a node outside the job."""
    return launcher if LAUNCHERS[launcher].elsewhere else "none"


def no_components(launcher: str, scheduler: str) -> Optional[str]:
    """Why this launcher cannot start a heterogeneous job, or None. Source: Slurm's heterogeneous_jobs page; run on 22.05.8."""
    own = schedulers.get(scheduler).own_launcher
    if not LAUNCHERS[launcher].colon:
        return f"{launcher} can start only one program on equal ranks"
    if own and LAUNCHERS[launcher].of_mpi:
        return f"the site starts MPI with {launcher}, which cannot start heterogeneous jobs"
    return None


def rank_variable(step: Step) -> Optional[str]:
    """The variable that tells each rank its program, if a component has several; None if the launch line states it.

    The colon form states it, but Open MPI with a number of ranks per node counts them again for each part and refuses the
    second (run with 5.0). srun has --multi-prog, but its file cannot hold every word unchanged. Source: srun(1).
    """
    if len(step.components) == len({*step.components}):
        return None
    recounts = mpis.get(step.flavour).recounts and step.per_node
    return None if LAUNCHERS[step.launcher].of_mpi and not recounts else LAUNCHERS[step.launcher].rank


def unordered(job: Job, step: Step) -> Tuple[str, ...]:
    """Slurm's variables with the hosts of each component, if PMI-2 joins components only in the order of their hosts' names.

    Run on 22.05, 24.11 and 26.05 with Intel MPI, on 22.05 and 24.11 with MPICH: tests/cluster/test_negative.py.
    """
    if not (job.hetjob and step.pmi == "pmi2"):
        return ()
    group = grouped(job).replace("-", "_").upper()
    return tuple(f"SLURM_JOB_NODELIST_{group}_{i}" for i in range(len(job.components)))
