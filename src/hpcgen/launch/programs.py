"""The programs of a launch line: the words of each, with its environment and container, quoted for bash."""

from __future__ import annotations

import json
from itertools import accumulate
from typing import Iterable, List, Optional, Tuple

from hpcgen import __version__
from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import LONGEST
from hpcgen.base.shell import OWN, join, path, word
from hpcgen.model.job import Command, Component, Container, Job, Step


def programs(job: Job, step: Step) -> List[str]:
    """What each part of the launch line runs, quoted. The programs of `shared_out` are in a variable of the script."""
    return ['bash -c "$programs"'] if step.rank else _programs(job, step)


def words(job: Job, step: Step) -> str:
    """The program's words, for a part of the script that starts them unchanged."""
    command = step.commands[0]
    return _join([*_contained(job.container, command.python), _file(command.file or ""), *command.args])


def shared_out(job: Job, step: Step) -> Tuple[Tuple[str, str], ...]:
    """The programs that ranks choose from, each with the number of the first rank after its own; empty if not needed."""
    if not step.rank:
        return ()
    texts = _programs(job, step)
    if sum(len(text.encode("utf-8", "surrogateescape")) + 100 for text in texts) >= LONGEST:
        raise RequestError(f"--mpmd: all programs and arguments together must be shorter than {LONGEST} bytes")
    return tuple(zip(map(str, accumulate(command.ntasks or 0 for command in step.commands)), texts))


def _programs(job: Job, step: Step) -> List[str]:
    """Each command: its environment, the container, the program and its arguments, quoted."""
    texts = []
    for i, command in zip(step.components, step.commands):
        start = _start(job, command)
        file = [_file(command.file)] if command.file else []
        if command.told is not None:
            launcher = f"-m {command.module}" if command.module else '-c "$launcher"'
            text = f"{_join(start)} {launcher} {_told(command)}"
        elif command.file is None:
            text = f'{_join(start)} -c "$selfcheck" {join(command.args)}'.rstrip()
        else:
            text = _command([*start, *file, *command.args], step.launcher)
        text = f"{step.through} {text}" if step.through else text
        env = _environment(job, job.components[i])
        texts.append(f"env {join(env)} {text}" if env else text)
    return texts


def installed(job: Job, step: Step) -> Optional[str]:
    """The command that fails unless the job's Python can import the launcher of this version; None if the script carries it."""
    command = step.commands[0]
    if command.module is None:
        return None
    code = f"import sys, {command.module}; sys.exit(hpcgen.__version__ != sys.argv[1])"
    return _join([*_start(job, command), "-c", code, __version__])


def _told(command: Command) -> str:
    """The launcher's arguments: variables that hold JSON, then the program as Python itself would take it.

    If one of the words is a colon, all words go into the JSON: srun and Hydra would start another component there.
    """
    told = [f'"${name}"' for name in command.told or ()]
    words = [_file(command.file), *command.args] if command.file else ["-c", CHECK, *command.args]
    if ":" in words and command.file:
        if _join([_file(command.file)]) != word(command.file):
            raise RequestError(f"program: with ':' among the arguments, {command.file} must be written as a full path")
        text = json.dumps({"argv": words})
        if len(text) >= LONGEST:
            raise RequestError(f"program: with ':' among the arguments, all together must be shorter than {LONGEST} bytes")
        return " ".join([*told, word(text)])
    return " ".join([*told, "--", *('"$selfcheck"' if text is CHECK else _join([text]) for text in words)])


CHECK = "selfcheck"


def _command(words: List[str], launcher: str) -> str:
    """exec takes all words unchanged. Otherwise the word ":" would start another component, a first word with = would be an
    assignment, one with % a job of the shell, and `time` the keyword of bash. Raises RequestError if the text is too long."""
    taken = words[0] in OWN or words[0].startswith("%")
    if ":" not in words and "=" not in words[0] and not (taken and launcher == "none"):
        return _join(words)
    own = [text for text in words if isinstance(text, Variable)]
    text = f"exec {_join(Variable('0') if isinstance(text, Variable) else text for text in words)}"
    if len(text.encode("utf-8", "surrogateescape")) >= LONGEST:
        raise RequestError(f"program: with ':' or '=' in the command, all together must be shorter than {LONGEST} bytes")
    return " ".join(["bash", "-c", word(text), *([_join(own)] if own else [])])


def _environment(job: Job, component: Component) -> List[str]:
    """Variables that differ between components; the script exports those that all share."""
    return [f"{name}={value}" for name, value in component.env] if job.hetjob else []


def _contained(container: Optional[Container], python: Optional[str]) -> List[str]:
    interpreter: List[str] = [PathWord(python)] if python else []
    if container is None:
        return interpreter
    flags = [container.gpu_flag] if container.gpu_flag and not container.wrapper_flags else []
    image = [PathWord(container.image)] if not container.wrapper_image else []
    inside = interpreter if container.verb == "exec" else []
    return [container.wrapper or container.runtime, container.verb, *flags, *image, *inside]


def _start(job: Job, command: Command) -> List[str]:
    """The words before the program: the container, Python, and what starts the program through another one."""
    inline = ["-c", Variable(command.inline)] if command.inline else []
    return [*_contained(job.container, command.python), *inline, *command.starter]


class Variable(str):
    """A variable of the script that stands for one word."""


class PathWord(str):
    """A path among words: never an option; a leading ``~/`` is the home folder of the user who runs the script."""


def _file(text: str) -> str:
    """A program's file: a path, or a name to find on PATH."""
    return PathWord(text) if "/" in text else text


def _join(words: Iterable[str]) -> str:
    kinds = {PathWord: path, Variable: '"${}"'.format}
    return " ".join(kinds.get(type(text), word)(text) for text in words)
