"""The options of LSF's bsub, and what they say.

Sources: IBM Spectrum LSF 10.1 Command Reference, bsub (www.ibm.com/docs/SSWRJV_10.1.0/lsf_command_ref/bsub.*), and
Administering, Job arrays; for CSM's -nnodes and -alloc_flags OLCF's Summit User Guide (olcf/olcf-user-docs, commit 736f20db).
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Optional, Tuple

from . import lsf_resources as resources
from .reading import Bad, matched, once, split_outside, steps, whole
from .request import Array, Environment


class Draft:
    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.fields: Dict[str, object] = {}
        self.extra: Dict[str, str] = {}
        self.requirements: List[Tuple[int, str]] = []
        self.events: Dict[str, None] = {}
        self.users: Tuple[str, ...] = ()


Reader = Callable[[Draft, str], None]


def field(name: str, pattern: str = r"[^\s].*", what: str = "a value") -> Reader:
    def read(draft: Draft, value: str) -> None:
        once(draft.fields, name, f"{name}, by either of its options,")
        draft.fields[name] = matched(pattern, value, what)[0]

    return read


def minutes(value: str) -> int:
    """Seconds of [hours:]minutes; LSF's times have no seconds."""
    match = matched(r"(?:([0-9]+):)?([0-9]+)", value, "[hours:]minutes")
    if match[1] and int(match[2]) > 59:
        raise Bad(f"{value!r}: minutes go to 59")
    total = (int(match[1] or 0) * 60 + int(match[2])) * 60
    if not total:
        raise Bad(f"{value!r} is no time at all")
    return total


def run_limit(draft: Draft, value: str) -> None:
    draft.fields["walltime"] = minutes(matched(r"([0-9:]+)(?:/[\w.-]+)?", value, "[hours:]minutes[/host]")[1])


def name(draft: Draft, value: str) -> None:
    """name, or name[list]%slots for an array, whose specification has up to 255 characters and indices from 1 on."""
    match = matched(r"([\w.-]+)(?:\[([^]]*)\](?:%([0-9]+))?)?", value, "a job's name, or name[first-last[:step],…]%slots")
    draft.fields["name"] = match[1]
    if match[2] is None:
        if len(value) > 4094:
            raise Bad(f"the job's name has {len(value)} characters, of 4094 at most")
        return
    if len(value) > 255:
        raise Bad(f"the array's specification has {len(value)} characters, of 255 at most")
    ranges = tuple(steps(part.strip(), "first[-last[:step]]") for part in match[2].split(","))
    array = Array(ranges, whole(match[3], "slots of an array", 1) if match[3] else None)
    if min(array.indices) < 1 or len(set(array.indices)) < len(array.indices):
        raise Bad(f"{value!r}: indices from 1 on, each once")
    draft.fields["array"] = array


def mailed(event: str) -> Reader:
    return lambda draft, value: draft.events.update({event: None})


def users(draft: Draft, value: str) -> None:
    draft.users = tuple(matched(r"[^\s@,]+(?:@[\w.-]+)?", user, "an address")[0] for user in value.split(","))


CONDITION = r"(?:done|ended|exit|external|post_done|post_err|started|numdone|numended|numexit|numhold|numpend|numrun|numstart)"


def dependency(draft: Draft, value: str) -> None:
    """Conditions, done(12) && exit("first",>1) …, between && || ! and parentheses; a job alone means done(job)."""
    job = r'(?:[0-9]+(?:\[[0-9*,:-]+\])?|"[^"]+"|[A-Za-z_][\w.*-]*(?:\[[0-9*,:-]+\])?)'
    flat = re.sub(rf"{CONDITION}\(\s*{job}\s*(?:,[^()]*)?\)", "x", value)
    while (smaller := re.sub(r"\(\s*!?\s*x(?:\s*(?:&&|\|\|)\s*!?\s*x)*\s*\)", "x", flat)) != flat:
        flat = smaller
    matched(rf"\s*!?\s*(?:x|{job})(?:\s*(?:&&|\|\|)\s*!?\s*(?:x|{job}))*\s*", flat, f"a dependency, as in {value!r}")
    draft.fields["dependency"] = value


GPU: Dict[str, str] = {
    **{key: "yes|no" for key in ("aff", "block", "gpack", "j_exclusive")},
    "glink": "yes",
    "gmem": "[0-9]+[KMGT]?B?",
    "gmodel": r"[\w-]+",
    "gtile": "[1-9][0-9]*|!|'!'",
    "gvendor": "amd|nvidia",
    "mig": "[0-9]+(?:/[0-9]+)?",
    "mode": "shared|exclusive_process",
    "mps": "(?:yes|per_socket|per_gpu)(?:,(?:shared|share|nocvd))*|no",
    "num": "[1-9][0-9]*(?:/(?:task|host))?",
    "nvlink": "yes",
}


def gpu(draft: Draft, value: str) -> None:
    """-, or num=…:mode=…:…, each once."""
    seen: Dict[str, object] = {}
    for part in [] if value == "-" else value.split(":"):
        key, _, text = part.partition("=")
        if key not in GPU:
            raise Bad(f"-gpu {value}: no {key}")
        once(seen, key, f"{key} in -gpu")
        seen[key] = matched(GPU[key], text, f"a value of {key} in -gpu")[0]
    draft.extra["-gpu"] = value


def variables(draft: Draft, value: str) -> None:
    """none, or all and what changes: all, NAME=value, ~NAME."""
    parts = [part.strip() for part in split_outside(value, ",")]
    found: List[Tuple[str, Optional[str]]] = []
    for part in parts[parts[0] in ("all", "none") :]:
        match = matched(r"(~?[A-Za-z_]\w*)(?:=(.*))?", part, "a variable of -env")
        found.append((match[1], match[2].strip("'\"") if match[2] is not None else None))
    if parts[0] == "none" and found:
        raise Bad(f"-env {value}: none, and something")
    draft.fields["environment"] = Environment(parts[0] == "all", tuple(found))


def rerun(value: bool) -> Reader:
    return lambda draft, _: draft.fields.update(rerun=value)


def slots(draft: Draft, value: str) -> None:
    match = matched(r"([1-9][0-9]*)(?:,([1-9][0-9]*))?", value, "slots: least[,most]")
    if match[2] and int(match[2]) < int(match[1]):
        raise Bad(f"-n {value}: the larger number last")
    draft.extra["-n"] = value


def limit(draft: Draft, value: str) -> None:
    resources.memory(value.removesuffix("!"), draft.unit)
    draft.extra["-M"] = value


def requirement(draft: Draft, value: str) -> None:
    draft.requirements.append((0, value))


def kept(option: str, pattern: str = r"\S.*") -> Reader:
    def read(draft: Draft, value: str) -> None:
        draft.extra[option] = matched(pattern, value, f"a value of {option}")[0] if pattern else ""

    return read


OTHERS = (
    "-a -app -C -cn_cu -cn_mem -csm -D -data -E -Ep -eptl -ext -extsched -F -f -G -g -hostfile -i -is -Jd -jsm -k -Lp -ln_mem"
    " -ln_slots -m -network -p -Q -rcacct -S -sla -smt -stage -step_cgroup -T -ti -U -v -wa -wt"
).split()
VALUE: Dict[str, Reader] = {
    **{option: kept(option) for option in OTHERS},
    "-alloc_flags": kept("-alloc_flags", r"[\w,]+(?:[ :][\w,]+)*"),
    "-b": kept("-b", r"[0-9:]+"),
    "-c": kept("-c", r"[0-9]+(?::[0-5]?[0-9])?(?:/\S+)?"),
    "-core_isolation": kept("-core_isolation", "y|n|[0-9]"),
    "-cwd": field("workdir"),
    "-e": field("error"),
    "-eo": field("error"),
    "-env": variables,
    "-gpu": gpu,
    "-J": name,
    "-L": field("shell"),
    "-M": limit,
    "-n": slots,
    "-nnodes": kept("-nnodes", "[1-9][0-9]*"),
    "-o": field("output"),
    "-oo": field("output"),
    "-P": field("project", r"\S{1,511}", "a project"),
    "-q": field("queue", r"[\w.-]+(?: [\w.-]+)*", "queues"),
    "-R": requirement,
    "-sp": kept("-sp", "[0-9]+"),
    "-t": kept("-t", r"[0-9:]+"),
    "-u": users,
    "-w": dependency,
    "-W": run_limit,
    "-We": kept("-We", r"[0-9]+(?::[0-5]?[0-9])?"),
}
BARE: Dict[str, Reader] = {
    **{option: kept(option, "") for option in ("-ar", "-H", "-hl", "-notify", "-ul", "-x")},
    "-B": mailed("begin"),
    "-N": mailed("end"),
    "-Ne": mailed("fail"),
    "-r": rerun(True),
    "-rn": rerun(False),
}
