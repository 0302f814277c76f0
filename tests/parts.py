"""Parts of a script and of a step. They need no programs of the machine."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List

from hpcgen.model.job import Job


def to_launchers(made: Job) -> List[Dict[str, Any]]:
    """The settings of each component's launcher, from the step's variables."""
    (step,) = made.steps
    variables = {name: json.loads(text) for name, text in step.told}
    found = []
    for command in step.commands:
        found.append({key: value for name in command.told or () for key, value in variables[name].items()})
    return found


def story(script: str) -> str:
    """A script without the launcher's text: its first lines, and the body of `main` where it has one."""
    head, found, rest = script.partition("\nmain() {\n")
    if not found:
        return script
    return head + "\n" + re.sub(r"^    ", "", rest.partition("\n}\n")[0], flags=re.MULTILINE) + "\n"
