"""Launchers: a step of a job becomes a command line. One function each; its name is the launcher's."""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterable, List, Optional

from hpcgen import cores, workloads
from hpcgen.job import Job, Step
from hpcgen.programs import by_rank, programs
from hpcgen.shell import join, word
from hpcgen.spelling import by_node, gpus

CONTINUED = " \\\n     "


def launch(job: Job, step: Step) -> str:
    """The command line of a step, quoted for bash."""
    return LAUNCHERS[step.launcher](job, step)


def srun(job: Job, step: Step) -> str:
    """Slurm's own. Each part names its CPUs: srun does not take them from the job from 22.05 up to 23.11.

    In a heterogeneous job the colon form gives each component its own CPUs and environment and yet one
    MPI_COMM_WORLD; --mpi belongs on the first part only. Source: slurm src/srun/opt.c; run on 22.05.8.
    """
    group = grouped(job)
    parts = []
    for i, program in zip(step.components, programs(job, step)):
        options = [f"--{group}={i}"] if job.hetjob else []
        options += cores.of_srun(job, step, job.components[i])
        parts.append(f"{join(options)} {program}".lstrip())
    first = [*cores.before_srun(job, step), "srun", *([f"--mpi={step.pmi}"] if step.pmi else []), *ENDS[step.kill_on_bad_exit]]
    return join(first) + " " + f" :{CONTINUED}".join(parts)


def grouped(job: Job) -> str:
    """Slurm's word for a component of a heterogeneous job, which changed with 20.02."""
    return "pack-group" if job.scheduler_version and job.scheduler_version < "20.02" else "het-group"


# A site's WaitTime would end the others some time after the first has ended. Source: srun(1), --wait.
ENDS = {None: (), True: ("--kill-on-bad-exit=1",), False: ("--kill-on-bad-exit=0", "--wait=0")}


def mpiexec(job: Job, step: Step) -> str:
    """The MPI standard's form: -n for each part, parts joined by a colon."""
    counts = [command.ntasks or job.components[i].ntasks for i, command in zip(step.components, step.commands)]
    if by_rank(step):
        counts = [sum(counts)]
    ours = exported(step.flavour, step.launcher, (name for name, _ in job.setup.env))
    words = join([step.launcher, *step.options, *ours, *_spread(job, step)])
    if step.flavour == "intel" and step.per_node:
        words = f"I_MPI_JOB_RESPECT_PROCESS_PLACEMENT=0 {words}"
    words = " ".join([*cores.around_mpiexec(job, step), words])
    return f"{words} " + f" :{CONTINUED}".join(f"-n {n} {p}" for n, p in zip(counts, programs(job, step)))


def _spread(job: Job, step: Step) -> List[str]:
    """How ranks are laid out and bound, where the MPI would do otherwise than was asked for.

    Open MPI binds a rank to one core or, of more than two, to a package; it counts PE from a node's first core. The one process
    of a node, which starts others, is not bound. Where the list of hosts counts CPUs and not ranks, a node would be filled with
    ranks. Sources: mpirun(1) of Open MPI 4 and 5; Hydra's ``-ppn``; Intel MPI reads that one inside a job only with
    I_MPI_JOB_RESPECT_PROCESS_PLACEMENT off, by its reference.
    """
    parts = [job.components[i] for i in step.components]
    wide = max(c.cpus_per_task for c in parts) > 1
    each = step.per_node
    cpus, thread = parts[0].cpus_per_task, step.cpu == "thread"
    if step.flavour == "openmpi":
        ranks = cores.undivided(parts[0]) and not workloads.get(job.workload).one_a_node
        pe = f":PE={cpus}" if wide and each and ranks else ""
        spread = ["--map-by", f"ppr:{each}:node{pe}"] if each else []
        own = ["--use-hwthread-cpus"] if pe and thread else ["--bind-to", "none"] if wide and not pe else []
        return [*own, *spread]
    counted = f"{'hwthread' if thread else 'core'}:{cpus}"
    own = ["-bind-to", counted] if step.flavour == "mpich" and cores.binds(job, step) else []
    return [*(["-ppn", str(each)] if each and step.flavour in ("intel", "mpich") else []), *own]


def exported(flavour: Optional[str], launcher: str, names: Iterable[str]) -> List[str]:
    """Open MPI's launcher hands only its own variables to other nodes, where the scheduler does not start its daemons with the
    job's: by ssh ranks there had no OMP_NUM_THREADS. For all parts of a line. Source: mpirun(1) of Open MPI 4 and 5, ``-x``;
    run with 5.0.11."""
    if flavour != "openmpi" or launcher not in ("mpiexec", "mpirun"):
        return []
    return [word for name in names for word in ("-x", name)]


def pals(job: Job, step: Step) -> str:
    """HPE Cray's mpiexec, which binds a rank to --depth CPUs. Source: mpiexec(1) of PALS 1.2; ALCF's and NCAR's guides."""
    parts = []
    for i, program in zip(step.components, programs(job, step)):
        c = job.components[i]
        counts = by_node(c)
        spread = ["--ppn", str(max(counts))] if counts else []
        words = ["-n", str(c.ntasks), *spread, "--depth", str(c.cpus_per_task), "--cpu-bind", "depth"]
        parts.append(f"{join(words)} {program}")
    return join(["mpiexec", *step.options]) + " " + f" :{CONTINUED}".join(parts)


def gerun(job: Job, step: Step) -> str:
    """UCL's wrapper: as many ranks as slots / OMP_NUM_THREADS. It gives its words to a shell, which reads them anew.

    Where the ranks themselves want another number of threads (Dask's workers start their own), gerun is told of the CPUs,
    and the ranks of theirs. Source: UCL's documentation of Example_Jobscripts and of MPI.
    """
    cpus, threads = str(job.components[0].cpus_per_task), dict(job.setup.env).get("OMP_NUM_THREADS", "1")
    if cpus == threads:
        return _resplit(job, step, ["gerun", *step.options])
    lines = _resplit(job, step, ["gerun", *step.options], f"env OMP_NUM_THREADS={word(threads)} ").split("\n")
    return "\n".join([*lines[:-1], f"OMP_NUM_THREADS={cpus} {lines[-1]}"])


def ibrun(job: Job, step: Step) -> str:
    """TACC's wrapper, which asks the scheduler how many ranks there are. Source: TACC's user guides."""
    return _resplit(job, step, ["ibrun", *step.options])


def _resplit(job: Job, step: Step, words: List[str], env: str = "") -> str:
    """Words that are not plain go into a file beside the job, with what the script carries: bash takes both as they are."""
    text = env + programs(job, step)[0]
    if re.fullmatch(r"[\w./=:@%+, -]+", text, re.ASCII):
        return f"{join(words)} {text}"
    own = [name for name, _ in job.carried if f'"${name}"' in text]
    declared = f"declare -p {join(own)}; " if own else ""
    number = "$JOB_ID" + ("-$SGE_TASK_ID" if job.array else "") if job.scheduler == "sge" else "$SLURM_JOB_ID"
    file = f'"hpcgen-{number}.sh"'
    return f"{{ {declared}printf '%s\\n' {word(text)}; }} > {file}\n{join(words)} bash {file}"


def ccc_mprun(job: Job, step: Step) -> str:
    """TGCC's wrapper. Source: TGCC's public documentation of ccc_mprun: -n ranks, -c cores of each."""
    c = job.components[step.components[0]]
    words = ["ccc_mprun", *step.options, "-n", str(c.ntasks), "-c", str(c.cpus_per_task)]
    return f"{join(words)} {programs(job, step)[0]}"


def jsrun(job: Job, step: Step) -> str:
    """IBM's: a resource set for each rank, with its cores and GPUs; -r says how many on a node. Source: OLCF's Summit guide."""
    return " ".join([*starter(job, step), programs(job, step)[0]])


def starter(job: Job, step: Step) -> List[str]:
    """What stands before a program to bring it to the job's nodes, where the script itself does not run on them."""
    if step.launcher not in ELSEWHERE:
        return []
    c = job.components[step.components[0]]
    counts, cards = by_node(c), gpus(c)
    words = ["jsrun", *step.options, "-n", str(c.ntasks), "-a", "1", "-c", str(c.cpus_per_task), "-g", str(cards // c.ntasks)]
    spread = ["-r", str(max(counts))] if counts else []
    return [word(text) for text in (*words, *spread, "-b", f"packed:{c.cpus_per_task}", "-d", "packed")]


def flux(job: Job, step: Step) -> str:
    """Flux's own, inside of what flux batch was given. Source: flux-run(1)."""
    c = job.components[step.components[0]]
    words = ["flux", "run", *step.options, *(["-N", str(c.nodes)] if c.nodes else []), "-n", str(c.ntasks)]
    cards = ["-g", str(gpus(c) // c.ntasks)] if gpus(c) else []
    return f"{join([*words, '-c', str(c.cpus_per_task), *cards])} {programs(job, step)[0]}"


def none(job: Job, step: Step) -> str:
    """No launcher: the script runs the program itself, once."""
    return programs(job, step)[0]


LAUNCHERS: Dict[str, Callable[[Job, Step], str]] = {
    "srun": srun, "mpiexec": mpiexec, "mpirun": mpiexec, "pals": pals, "gerun": gerun, "ibrun": ibrun,
    "ccc_mprun": ccc_mprun, "jsrun": jsrun, "flux": flux, "none": none,
}  # fmt: skip
# Those that can start the components of a heterogeneous job as one MPI_COMM_WORLD, where the scheduler takes such jobs.
COLON = ("srun", "mpiexec", "mpirun", "pals")
# Wrappers that are shell scripts and hand their words to a shell once more: only plain words arrive through them.
RESPLITS = ("gerun", "ibrun")


# Where these are, the script runs on a launch node, which all jobs share. Source: OLCF's Summit guide.
ELSEWHERE = ("jsrun",)


def alone(launcher: str) -> str:
    """Who starts one process: the script itself, unless that runs on a node that is not of the job's."""
    return launcher if launcher in ELSEWHERE else "none"


def refuse(launcher: str, scheduler: str) -> Optional[str]:
    """Why this launcher cannot start a heterogeneous job, or None. Source: Slurm's heterogeneous_jobs page; run on 22.05.8."""
    if launcher in LAUNCHERS and launcher not in COLON:
        return f"{launcher} starts one program over equal ranks"
    if launcher in ("mpirun", "mpiexec") and scheduler == "slurm":
        return f"{launcher} does not understand heterogeneous jobs, and the site starts MPI with {launcher}"
    return None
