"""What a launch line starts: each program's words, with its environment and in its container, quoted for bash."""

from __future__ import annotations

import json
from itertools import accumulate
from typing import Iterable, List, Optional, Tuple

from hpcgen.base.errors import RequestError
from hpcgen.base.kinds import LONGEST
from hpcgen.base.shell import OWN, Variable, join, path, word
from hpcgen.model.job import Command, Component, Container, Job, Step


def programs(job: Job, step: Step) -> List[str]:
    """What each part of the launch line runs, quoted; `shared_out` are those that the script's own variable holds."""
    return ['bash -c "$programs"'] if step.rank else _programs(job, step)


def words(job: Job, step: Step) -> str:
    """Words for a program of the script, which starts them as they are."""
    command = step.commands[0]
    return _join([*_contained(job.container, command.python), _file(command.file or ""), *command.args])


def shared_out(job: Job, step: Step) -> Tuple[Tuple[str, str], ...]:
    """The programs that ranks choose among, each with the number of the first rank behind its own; none where they need not."""
    if not step.rank:
        return ()
    texts = _programs(job, step)
    if sum(len(text.encode("utf-8", "surrogateescape")) + 100 for text in texts) >= LONGEST:
        raise RequestError(f"--mpmd: the words of all programs together must be shorter than {LONGEST} bytes")
    return tuple(zip(map(str, accumulate(command.ntasks or 0 for command in step.commands)), texts))


def _programs(job: Job, step: Step) -> List[str]:
    """What each command is: its environment, the container, the program and its arguments, quoted."""
    texts = []
    for i, command in zip(step.components, step.commands):
        start = [*_contained(job.container, command.python), *command.starter]
        file = [_file(command.file)] if command.file else []
        if command.told is not None:
            text = f'{_join(start)} -c "$launcher" {_told(command)}'
        elif command.file is None:
            text = f'{_join(start)} -c "$selfcheck" {join(command.args)}'.rstrip()
        else:
            text = _command([*start, *file, *command.args], step.launcher)
        text = f"{step.through} {text}" if step.through else text
        env = _environment(job, job.components[i])
        texts.append(f"env {join(env)} {text}" if env else text)
    return texts


def _told(command: Command) -> str:
    """What the launcher reads: variables with JSON, then the program as Python itself would take it.

    With a colon of its own among them the words go into JSON: srun and Hydra would start another component there.
    """
    told = [f'"${name}"' for name in command.told or ()]
    words = [_file(command.file), *command.args] if command.file else ["-c", CHECK, *command.args]
    if ":" in words and command.file:
        if _join([_file(command.file)]) != word(command.file):
            raise RequestError(f"program: beside a word that is ':' it must be written in full, and not as {command.file}")
        text = json.dumps({"argv": words})
        if len(text) >= LONGEST:
            raise RequestError(f"program: with a ':' among them, the words together must be shorter than {LONGEST} bytes")
        return " ".join([*told, word(text)])
    return " ".join([*told, "--", *('"$selfcheck"' if text is CHECK else _join([text]) for text in words)])


CHECK = "selfcheck"


def _command(words: List[str], launcher: str) -> str:
    """A colon of its own would start another component, a first word with = be an assignment, one with % a job of the
    shell's, and `time` bash's own: exec takes all words as they are. Raises RequestError where they are too long together."""
    taken = words[0] in OWN or words[0].startswith("%")
    if ":" not in words and "=" not in words[0] and not (taken and launcher == "none"):
        return _join(words)
    own = [text for text in words if isinstance(text, Variable)]
    text = f"exec {_join(Variable('0') if isinstance(text, Variable) else text for text in words)}"
    if len(text.encode("utf-8", "surrogateescape")) >= LONGEST:
        raise RequestError(f"program: with a ':' or '=' among them, the words together must be shorter than {LONGEST} bytes")
    return " ".join(["bash", "-c", word(text), *([_join(own)] if own else [])])


def _environment(job: Job, component: Component) -> List[str]:
    """Assignments that differ between components; what all share is exported by the script."""
    return [f"{name}={value}" for name, value in component.env] if job.hetjob else []


def _contained(container: Optional[Container], python: Optional[str]) -> List[str]:
    interpreter: List[str] = [PathWord(python)] if python else []
    if container is None:
        return interpreter
    flags = [container.gpu_flag] if container.gpu_flag and not container.wrapper_flags else []
    image = [PathWord(container.image)] if not container.wrapper_image else []
    inside = interpreter if container.verb == "exec" else []
    return [container.wrapper or container.runtime, container.verb, *flags, *image, *inside]


class PathWord(str):
    """A path among words: never an option, and with a leading ``~/`` that of whoever runs the script."""


def _file(text: str) -> str:
    """A program's file: a path, or a name that is looked for on the PATH."""
    return PathWord(text) if "/" in text else text


def _join(words: Iterable[str]) -> str:
    kinds = {PathWord: path, Variable: '"${}"'.format}
    return " ".join(kinds.get(type(text), word)(text) for text in words)
