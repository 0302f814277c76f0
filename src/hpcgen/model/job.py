"""The neutral model: what is allocated and what is run, independent of any scheduler."""

from __future__ import annotations

from typing import Any, Dict, Literal, Optional, Tuple

import msgspec
from msgspec import Struct

from hpcgen.base.kinds import plain

Env = Tuple[Tuple[str, str], ...]


class Origin(Struct, frozen=True):
    """Where a value comes from: a fact of a profile, a flag, a key of a file or of a configuration, or a rule."""

    kind: Literal["fact", "flag", "file", "config", "variable", "rule", "default"]
    text: str
    source: Optional[str] = None
    date: Optional[str] = None
    url: Optional[str] = None

    def __str__(self) -> str:
        cited = f" ({self.source}, {self.date})" if self.source else ""
        return f"{self.kind} {self.text}{cited}"


Origins = Dict[str, Origin]


Per = Literal["job", "node", "task"]


class Gpus(Struct, frozen=True):
    """`count` GPUs of this type `per` job, node or task, counted as the site counts them.

    `chose_nodes`: the number of nodes was chosen to hold them, because the site counts GPUs by node.
    """

    count: int
    per: Per
    type: Optional[str] = None
    style: Literal["gpus", "gpus-per-node", "gres"] = "gpus"
    chose_nodes: bool = False


class Asked(Struct, frozen=True):
    """How the user asked for a number of a component: the option for this `field` of the request, whose value times `times`,
    plus `plus`, is the component's number."""

    field: str
    times: int = 1
    plus: int = 0


# CPUs of each task, and memory.
Open = Literal["cpus_per_task", "memory"]


class Component(Struct, frozen=True, kw_only=True):
    """A set of equal tasks and their allocation. Memory is in MiB, in one of three styles or in none.

    `whole_node_cpus`: the CPUs of each node, if the site gives whole nodes; `cpus`: the CPUs of the whole component, if it
    must request more than its tasks use. `one_a_node`: each task is the only one on its node and starts the node's
    processes. `open`: what the user left open, so that the component may get all that its nodes have. `asked`: how the user
    asked for a field, if the option has another name than the field; only messages use it.
    """

    role: str
    ntasks: int
    nodes: Optional[int] = None
    ntasks_per_node: Optional[int] = None
    ntasks_per_core: Optional[int] = None
    cpus_per_task: int = 1
    threads_per_core: Optional[int] = None
    hint: Optional[str] = None
    mem_mib: Optional[int] = None
    mem_per_cpu_mib: Optional[int] = None
    mem_per_gpu_mib: Optional[int] = None
    gpus: Optional[Gpus] = None
    gres: Optional[str] = None
    partition: Optional[str] = None
    constraint: Optional[str] = None
    exclusive: Optional[bool] = None
    nodelist: Optional[str] = None
    exclude: Optional[str] = None
    distribution: Optional[str] = None
    licenses: Optional[str] = None
    tmp_mib: Optional[int] = None
    whole_node_cpus: Optional[int] = None
    cpus: Optional[int] = None
    env: Env = ()
    one_a_node: bool = False
    open: Tuple[Open, ...] = ()
    asked: Dict[str, Asked] = {}
    origins: Origins = {}


class Command(Struct, frozen=True, kw_only=True):
    """A program and its arguments: a `file`, run by `python` if given, or the job's own self-check.

    With `told`, `python` runs the launcher in the script, and it starts the program. `told` names the variables of the
    step that hold the launcher's settings.
    `module`: the launcher is this module, installed in the job's environment, and not a text in the script.
    `inline` is the script's variable with the Python code that starts the program through another one, torchrun, and `starter`
    are the words between that code and the program.
    `ntasks`: the number of ranks of its component that run it, if several commands share the component; None for all.
    """

    python: Optional[str] = None
    told: Optional[Tuple[str, ...]] = None
    module: Optional[str] = None
    inline: Optional[str] = None
    starter: Tuple[str, ...] = ()
    file: Optional[str] = None
    args: Tuple[str, ...] = ()
    ntasks: Optional[int] = None


class Step(Struct, frozen=True, kw_only=True):
    """One launch of these components (indices into the job's), with a command for each. If several commands share a component,
    its index is repeated, and its ranks go to the commands in this order.

    `options` are words that the site always gives to the launcher; `flavour` is its MPI; `per_node` the ranks per node, if the
    launcher needs the number. `cpu`: what a rank's CPU is, if cores have several hardware threads: a whole core or one thread.
    `core_each`: at this site, tasks do not share cores. `through`: how bash starts the template's script `node`, which starts
    the program on each node. `kill_on_bad_exit`: whether one failing rank ends all; None for the site's default. `binds`: each
    rank is bound to its own CPUs. `told`: variables of the script with JSON for the launcher inside the job. `rank`: the
    variable that tells each rank its program, if its component has several and the launch line does not state it.
    """

    components: Tuple[int, ...]
    commands: Tuple[Command, ...]
    launcher: str
    options: Tuple[str, ...] = ()
    flavour: Optional[str] = None
    per_node: Optional[int] = None
    cpu: Optional[Literal["core", "thread"]] = None
    core_each: bool = False
    through: Optional[str] = None
    pmi: Optional[str] = None
    kill_on_bad_exit: Optional[bool] = None
    binds: bool = False
    told: Env = ()
    rank: Optional[str] = None
    origins: Origins = {}


class Setup(Struct, frozen=True, kw_only=True):
    """What the script does before the launch. `init` are files that the site's shell reads first."""

    init: Tuple[str, ...] = ()
    purge: Optional[str] = None
    use: Tuple[str, ...] = ()
    modules: Tuple[str, ...] = ()
    conda: Optional[str] = None
    venv: Optional[str] = None
    userbase: Optional[str] = None
    env: Env = ()
    origins: Origins = {}


class Container(Struct, frozen=True, kw_only=True):
    """The image for every program of the job. `wrapper` and the fields after it have the same meaning as in profiles."""

    image: str
    runtime: Literal["apptainer", "singularity"] = "apptainer"
    wrapper: Optional[str] = None
    wrapper_image: Optional[str] = None
    wrapper_flags: Optional[str] = None
    bind_command: Optional[str] = None
    verb: Literal["exec", "run"] = "exec"
    binds: Tuple[str, ...] = ()
    gpu_flag: Optional[str] = None
    library_path: Optional[str] = None
    origins: Origins = {}

    @property
    def is_file(self) -> bool:
        return "://" not in self.image


class Tasks(Struct, frozen=True, kw_only=True):
    """The tasks of an array: `count` commands or rows of a table in `file`, `chunk` of them for each index."""

    kind: Literal["commands", "table"]
    file: str
    count: int
    chunk: int
    origins: Origins = {}


class Stage(Struct, frozen=True, kw_only=True):
    """Files to copy to each node, with their names there, in a folder of `parent`; None means the node's TMPDIR."""

    paths: Tuple[str, ...]
    names: Tuple[str, ...]
    parent: Optional[str] = None
    origins: Origins = {}


class Carried(Struct, frozen=True):
    """A Python program in the script, in the shell variable `name`.

    It is a file of `templates`, or the launcher made from the `modules` of a package of hpcgen.
    """

    name: str
    template: Optional[str] = None
    package: Optional[str] = None
    modules: Tuple[str, ...] = ()


class Job(Struct, frozen=True, kw_only=True):
    """A whole job. `time` is in seconds. `notes` are for the user, and so are the values `assumed`, by the options that change
    them. `header` is for the first lines of the script.

    `dialect` is the profile's table for the scheduler; only the module of that scheduler reads it.
    `carried` are the Python programs in the script; their text is added when the script is rendered.
    `interfaces` are the network interfaces for the traffic between nodes, best first.
    """

    scheduler: str
    scheduler_version: Optional[str] = None
    site: str
    workload: str
    name: str
    shebang: str = "/bin/bash"
    header: Tuple[str, ...] = ()
    assumed: Dict[str, str] = {}
    notes: Tuple[str, ...] = ()
    account: Optional[str] = None
    time: Optional[int] = None
    qos: Optional[str] = None
    array: Optional[str] = None
    output: Optional[str] = None
    error: Optional[str] = None
    open_mode: Optional[str] = None
    mail_type: Optional[str] = None
    mail_user: Optional[str] = None
    dependency: Optional[str] = None
    reservation: Optional[str] = None
    requeue: Optional[bool] = None
    signal: Optional[str] = None
    export: Optional[str] = None
    chdir: Optional[str] = None
    comment: Optional[str] = None
    directives: Tuple[str, ...] = ()
    resources: Env = ()
    dialect: Dict[str, Any] = {}
    components: Tuple[Component, ...]
    steps: Tuple[Step, ...]
    setup: Setup = Setup()
    container: Optional[Container] = None
    carried: Tuple[Carried, ...] = ()
    interfaces: Tuple[str, ...] = ()
    tasks: Optional[Tasks] = None
    stage: Optional[Stage] = None
    script_max_kib: Optional[int] = None
    origins: Origins = {}

    @property
    def hetjob(self) -> bool:
        return len(self.components) > 1

    def carries(self, name: str) -> bool:
        """Whether the script contains a program of this name."""
        return any(one.name == name for one in self.carried)

    def to_json(self) -> str:
        """Raises UnicodeEncodeError if an argument is not UTF-8, because JSON must be UTF-8."""
        return msgspec.json.encode(self, enc_hook=plain).decode()

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Raises msgspec.DecodeError if the text is not JSON, and its subclass msgspec.ValidationError if it is not a job."""
        return msgspec.json.decode(text, type=cls)
