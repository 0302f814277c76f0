"""Flux: submission directives in a script, `# flux: …`, and the options of flux-batch.

Sources: RFC 36 (flux-framework/rfc, spec_36.rst, commit 34469675) for sentinels, quoting and triple quotes; flux-batch(1) of
0.88 for the options; RFC 23 for durations. flux-core's own parser reads the same cases in test_flux.py. Stricter than it: an
option twice (the last would win), an unquoted # within a word (the rest would be dropped), a value of nothing.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Dict, List, Optional, Sequence, Tuple

from .reading import Bad, Switch, at, lines, matched, once, shell_words, switches, whole
from .request import Amount, Component, Environment, Refused, Request

SENTINEL = re.compile(r"([^\w]*)((?:flux|FLUX):)(.*)")
TRIPLES = ('"""', "'''")


def directives(text: str) -> List[Tuple[int, List[str]]]:
    """The words of each directive. All begin with one sentinel; the first other line that is not blank ends them."""
    found: List[Tuple[int, List[str]]] = []
    first: Optional[Tuple[str, str]] = None
    ended = 0
    opened: Optional[Tuple[int, str, List[str]]] = (
        None  # a literal over several lines: its line, its quotes, what it has so far
    )
    for number, line in lines(text):
        match = SENTINEL.fullmatch(line)
        if match is None:
            if opened:
                raise Refused(opened[0], f"triple quotes that are open at line {number}, which has no sentinel")
            if first and not ended and line.strip() and not line.startswith(first[0].rstrip()):
                ended = number
            continue
        if ended:
            raise Refused(number, f"a directive after line {ended}, which ended them")
        if first and match.groups()[:2] != first:
            raise Refused(number, f"the sentinel changes from {''.join(first)!r}")
        first = match[1], match[2]
        with at(number):
            if opened:
                opened = _more(found, opened, match[3])
            elif match[3].endswith(TRIPLES) and match[3].count(match[3][-3:]) % 2:
                opened = number, match[3][-3:], [match[3][:-3]]
            else:
                found.append((number, shell_words(match[3])))
    if opened:
        raise Refused(opened[0], "triple quotes that are never closed")
    for number, split in found:
        if split and not split[0].startswith("-"):
            raise Refused(number, f"{split[0]!r} is not an option")
    return [(number, split) for number, split in found if split]


def _more(
    found: List[Tuple[int, List[str]]], opened: Tuple[int, str, List[str]], text: str
) -> Optional[Tuple[int, str, List[str]]]:
    """One more line of a literal; the indentation of its first line is taken off each, the line that closes it ends it."""
    number, quotes, held = opened
    head = held[0]
    indent = head[: len(head) - len(head.lstrip())]
    bare = text[len(indent) :] if text.startswith(indent) else text
    if not text.endswith(quotes):
        held.append(bare)
        return opened
    split = shell_words(head)
    if not split or head[-1].isspace():
        split.append("")
    split[-1] += "\n".join([*held[1:], bare[:-3]])
    found.append((number, split))
    return None


COMMON: Tuple[Switch, ...] = tuple(
    Switch(*row.split(" = ")) if " = " in row else Switch(row)
    for row in (
        "--bank -B", "--queue -q", "--time-limit -t", "--urgency", "--job-name", "--setopt -o", "--setattr -S", "--add-file",
        "--dependency", "--requires", "--begin-time", "--env", "--env-remove", "--env-file", "--rlimit", "--input", "--output",
        "--error", "--cwd", "--flags", "--signal", "--nodes -N",
    )
) + tuple(Switch(row, "") for row in ("--unbuffered -u", "--label-io -l", "--exclusive -x", "--quiet"))  # fmt: skip
BATCH: Tuple[Switch, ...] = (
    *COMMON,
    *(Switch(row) for row in ("--nslots -n", "--cores-per-slot -c", "--gpus-per-slot -g", "--conf", "--broker-opts")),
    Switch("--dump", "?"),
)
AGAIN = ("--setopt", "--setattr", "--add-file", "--dependency", "--requires", "--env", "--env-remove", "--env-file", "--rlimit",
         "--conf", "--broker-opts", "--flags")  # fmt: skip
FIELDS = {
    "--bank": "account",
    "--queue": "queue",
    "--job-name": "name",
    "--output": "output",
    "--error": "error",
    "--cwd": "workdir",
}


def duration(value: str, number: int = 1) -> Amount:
    """Seconds of a Flux Standard Duration, RFC 23: a number and ms, s, m, h or d; `number` seconds where there is no unit."""
    match = matched(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(ms|s|m|h|d)?", value, "a duration: a number and ms, s, m, h or d")
    worth: Dict[Optional[str], Amount] = {"ms": Fraction(1, 1000), "s": 1, "m": 60, "h": 3600, "d": 86400, None: number}
    seconds = Fraction(match[1]) * worth[match[2]]
    if not seconds:
        raise Bad(f"{value!r} is no time at all")
    return seconds.numerator if seconds.denominator == 1 else seconds


LIMITS = "as|core|cpu|data|fsize|memlock|msgqueue|nice|nofile|nproc|ofile|rss|rtprio|rttime|sigpending|stack"  # getrlimit(2)


def check(name: str, value: str) -> None:
    """The values of options that have a form of their own."""
    forms = {
        "--urgency": ("hold|default|expedite|[0-9]|[12][0-9]|3[01]", "0 to 31, hold, default or expedite"),
        "--flags": ("(?:debug|waitable|novalidate)(?:,(?:debug|waitable|novalidate))*", "some of debug, waitable, novalidate"),
        "--dependency": (r"[a-z][\w-]*:\S+", "a dependency, scheme:value"),
        "--setattr": (r"\^?[.\w-]+(?:=(?s:.*))?", "ATTR or ATTR=VAL"),
        "--setopt": (r"\S+", "OPT or OPT=VAL"),
        "--rlimit": (rf"-?(?:\*|(?:{LIMITS})(?:=(?:[0-9]+|unlimited|infinity|inf))?)", "a limit's name, or NAME=VALUE"),
        "--signal": (r"(?:[A-Z0-9]+)?(?:@[0-9.]+(?:ms|s|m|h|d)?)?", "[SIG][@TIME]"),
        "--begin-time": (r"\+[0-9.]+(?:ms|s|m|h|d)?|[^+].*", "+FSD or a time"),
    }
    if name in forms:
        matched(forms[name][0], value, forms[name][1])


def environment(rules: Sequence[str]) -> Tuple[Environment, List[str]]:
    """--env rules: VAR=VALUE sets, VAR copies; -* leaves all out; other filters are not neutral, and kept."""
    variables: List[Tuple[str, Optional[str]]] = []
    rest = [rule for rule in rules if rule.startswith(("-", "^"))]
    for rule in rules:
        if rule not in rest:
            name, equals, value = rule.partition("=")
            matched(r"[A-Za-z_*?][\w*?]*" if not equals else r"[A-Za-z_]\w*", name, "a variable's name")
            variables.append((name, value if equals else None))
    everything = False if "-*" in rest else None
    return Environment(everything, tuple(variables)), [rule for rule in rest if rule != "-*"]


def parse(text: str) -> Request:
    """The request of a script; a component is a resource slot. Raises Refused."""
    if not text.startswith("#!"):
        raise Refused(1, "a batch script begins with #!")
    given: Dict[str, str] = {}
    rules: List[str] = []
    for line, split in directives(text):
        with at(line):
            options, rest = switches(split, BATCH)
            if rest:
                raise Bad(f"{rest[0]!r} is not an option")
            for name, value in options:
                if name == "--env-remove":
                    name, value = "--env", f"-{value}"
                if name not in AGAIN:
                    once(given, name, name)
                check(name, value)
                if name == "--env":
                    rules.append(value)
                elif name == "--time-limit":
                    given[name] = str(duration(value, 60))
                else:
                    given[name] = f"{given[name]}\n{value}" if name in given else value
    return _request(given, rules)


def _request(given: Dict[str, str], rules: Sequence[str]) -> Request:
    numbers: Dict[str, Optional[int]] = {}
    with at(0):
        for name, least in (("--nslots", 1), ("--nodes", 1), ("--cores-per-slot", 1), ("--gpus-per-slot", 0)):
            numbers[name] = whole(given.pop(name), f"a number for {name}", least) if name in given else None
        slots, nodes = numbers["--nslots"], numbers["--nodes"]
        if not slots and not nodes:
            raise Bad("neither slots (-n) nor nodes (-N)")
        if slots and nodes and nodes > slots:
            raise Bad(f"{nodes} nodes for {slots} slots")
        if "--exclusive" in given and not nodes:
            raise Bad("--exclusive needs a number of nodes")
        variables, rest = environment(rules)
    if nodes:
        given["--nodes"] = str(nodes)
        if not slots:
            given["--exclusive"] = ""  # nodes alone are whole nodes
    if rest:
        given["--env"] = "\n".join(rest)
    fields: Dict[str, object] = {field: given.pop(name) for name, field in FIELDS.items() if name in given}
    if "--time-limit" in given:
        limit = Fraction(given.pop("--time-limit"))
        fields["walltime"] = limit.numerator if limit.denominator == 1 else limit
    if "--dependency" in given:
        fields["dependency"] = given.pop("--dependency").replace("\n", ",")
    part = Component(slots or nodes or 1, cpus=numbers["--cores-per-slot"] or 1, gpus=numbers["--gpus-per-slot"])
    return Request(components=(part,), environment=variables, extra=given, **fields)  # type: ignore[arg-type]
