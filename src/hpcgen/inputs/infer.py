"""Infers the type of a file, and the workload from the options and from the packages that the program imports."""

from __future__ import annotations

import ast
import os
import re
import stat
import warnings
from itertools import takewhile
from typing import FrozenSet, Iterator, Literal, NamedTuple, Optional, Tuple, get_args

import msgspec

from hpcgen import schedulers
from hpcgen.base import toml
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import option
from hpcgen.inputs.places import place
from hpcgen.model.job import Origin
from hpcgen.request import fields
from hpcgen.request.fields import Request, gpus_asked
from hpcgen.request.layers import Merged

# Programs larger than this are not read.
MOST_BYTES = 1 << 20
DASK_MPI = "dask-mpi"
# The packages that decide the workload of programs that import them.
DASK = ("dask", "distributed", "dask_mpi", "dask_cuda")
MPI = "mpi4py"
TORCH = "torch"
LOOKED_FOR = frozenset((*DASK, MPI, TORCH))
CHOICES = "--workload mpi (MPI ranks), dask-mpi (Dask), ray or torchrun (PyTorch)"


Kind = Literal["request", "script", "program"]
KINDS: Tuple[Kind, ...] = get_args(Kind)


def kind_of(file: str, told: Optional[str] = None) -> Kind:
    """The type of a file: a request if its name ends in .toml, a batch script if its first lines contain directives,
    otherwise a program. `told` overrides this."""
    for kind in KINDS:
        if kind == told:
            return kind
    if file.endswith(".toml"):
        return "request"
    return "script" if _has_directives(os.path.expanduser(file)) else "program"


def _has_directives(path: str) -> bool:
    text = (_text(path) or b"").decode("latin-1")
    if not text.startswith("#"):
        return False
    words = {word for name in schedulers.names() if (word := schedulers.get(name).directive)}
    words |= {word.replace("# ", "#") for word in words}
    directive = re.compile(f"(?:{'|'.join(map(re.escape, words))})[ \\t]*-")
    leading = takewhile(lambda line: not line.strip() or line.startswith("#"), text.splitlines())
    return any(directive.match(line) for line in leading)


class Inferred(NamedTuple):
    """A workload and the reason for it. The reason follows "because" in a sentence."""

    workload: str
    why: str


def inferred(asked: Merged) -> Tuple[Merged, Tuple[str, ...]]:
    """The request with its workload, and a note if the workload was inferred.

    Raises RequestError if a Python program has several tasks and neither options nor imports show its workload.
    """
    if asked.request.workload:
        return asked, ()
    found = _by_options(asked) or _by_program(asked.request)
    request = msgspec.structs.replace(asked.request, workload=found.workload)
    note = f"assuming --workload {found.workload}, because {found.why}; if this is wrong, give another workload"
    return Merged(request, {**asked.origins, "workload": Origin("rule", found.why)}), (note,)


def _by_options(asked: Merged) -> Optional[Inferred]:
    """The workload that the options imply. Options from a configuration imply none, because they are for every job."""
    given = [name for name, origin in asked.origins.items() if origin.kind in ("flag", "file")]
    given = [name for name in given if getattr(asked.request, name) is not False]
    for names, workload in ((("commands", "table"), "array"), (("mpmd",), "mpi"), (_of_dask(), DASK_MPI)):
        if found := next((name for name in given if name in names), None):
            return Inferred(workload, f"{option(found)} is given")
    return None


def _of_dask() -> Tuple[str, ...]:
    """The options that describe Dask's scheduler, client and workers."""
    return tuple(field.name for field in toml.fields(Request) if get_args(field.type)[1].extra["group"] == fields.DASK)


def _by_program(request: Request) -> Inferred:
    """The workload that the program and the number of its tasks imply."""
    program, several = request.program, _several(request)
    if program is None:
        return Inferred(DASK_MPI, "there is no program, so the script runs a self-check")
    if not program.endswith(".py"):
        if several:
            return Inferred("mpi", f"{program} is not a Python program and {several} asks for more than one task")
        return Inferred("serial", f"{program} is not a Python program and runs as one task")
    path = place(request, program)
    found = imports(path) if path else None
    if found is not None and (inferred := _by_imports(request, found)):
        return inferred
    why = "imports neither dask nor mpi4py"
    if found is None:
        why = "is in an archive" if not path else "cannot be read" if os.path.lexists(path) else "does not exist here"
    if several:
        raise RequestError(f"--workload: {program} {why}, and {several} asks for more than one task: add {CHOICES}")
    return Inferred("serial", f"{program} {why}, and the job has one task")


def _by_imports(request: Request, found: FrozenSet[str]) -> Optional[Inferred]:
    if of_dask := next((name for name in DASK if name in found), None):
        return Inferred(DASK_MPI, f"{request.program} imports {of_dask}")
    if MPI in found:
        return Inferred("mpi", f"{request.program} imports {MPI}")
    if TORCH in found and _gpus(request) > 1:
        return Inferred("torchrun", f"{request.program} imports {TORCH} and the job has more than one GPU")
    return None


def _several(request: Request) -> Optional[str]:
    """The option that requests more than one task or node, as the user writes it. None if the job has one task."""
    for name in ("ntasks", "nodes", "ntasks_per_node"):
        count = getattr(request, name)
        if count and count > 1:
            return f"{option(name)} {count}"
    return None


def _gpus(request: Request) -> int:
    """The number of GPUs of the whole job. 0 if the option is invalid: planning reports that."""
    try:
        asked = gpus_asked(request)
    except ValueError:
        return 0
    if asked is None:
        return 0
    nodes = request.nodes or 1
    tasks = request.ntasks or nodes * (request.ntasks_per_node or 1)
    return asked.number * {"job": 1, "node": nodes, "task": tasks}[asked.per]


# --- what a program imports


def imports(path: str) -> Optional[FrozenSet[str]]:
    """The packages in LOOKED_FOR that the program imports, also in functions. None if the program cannot be read.

    The program is only parsed, never run.
    """
    text = _text(path)
    if text is None:
        return None
    if not any(name.encode() in text for name in LOOKED_FOR):
        return frozenset()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's warnings about the program do not concern this command
            found = frozenset(_of_tree(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        found = frozenset(_of_lines(text))  # the program is for another version of Python, or incomplete
    return found & LOOKED_FOR


def _text(path: str) -> Optional[bytes]:
    """The file's content. None if it is not a regular file, is too large or cannot be opened."""
    try:
        state = os.stat(path)
        if not stat.S_ISREG(state.st_mode) or state.st_size > MOST_BYTES:
            return None
        with open(path, "rb") as file:
            return file.read(MOST_BYTES)
    except (OSError, ValueError):
        return None


def _of_tree(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _of_lines(text: bytes) -> Iterator[str]:
    """The packages in lines that look like imports. Used for programs that Python cannot parse."""
    for line in re.findall(rb"^[ \t]*(?:from|import)[ \t]+(\w[\w., \t]*)", text, re.MULTILINE):
        for name in line.decode("ascii", "replace").partition(" import")[0].split(","):
            yield name.strip().partition(".")[0].partition(" ")[0]
