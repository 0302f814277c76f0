"""LSF's resource requirement strings, -R: select, order, rusage, span, same, cu and affinity; compound and alternative ones.

Sources: IBM Spectrum LSF 10.1, Administering: Resource requirement strings, Usage string, Span string, Affinity string,
Compound resource requirements (www.ibm.com/docs/SSWRJV_10.1.0/lsf_admin/…); bsub -R. In rusage and -M a number
without a unit is in the site's LSF_UNIT_FOR_LIMITS, KB unless it says otherwise.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from .reading import Bad, matched, once, scaled, split_outside, whole
from .request import Amount, Component

_LETTERS = "KMGTPEZ"
UNITS: Dict[str, Amount] = {
    unit: 1024**power
    for power, letter in enumerate(_LETTERS, 1)
    for unit in (letter, f"{letter}B", letter.lower(), f"{letter.lower()}b")
}


def memory(value: str, unit: str) -> Amount:
    """MiB of an amount such as 2000, 4GB or 4G; `unit` is the site's where none is written."""
    return scaled(value, {**UNITS, "": UNITS[unit]}, "memory: a whole number and K, M, G or T, with B or without")


class Simple(NamedTuple):
    """Sections as written, and what is in them that every scheduler knows."""

    sections: Mapping[str, str]
    mem_mib: Optional[Amount] = None
    cpus: Optional[int] = None
    gpus: Optional[int] = None


SECTIONS = ("select", "order", "rusage", "span", "same", "cu", "affinity")


def simple(text: str, unit: str, within: bool = False) -> Simple:
    """Sections with a blank between them, select first, its name optional; `within` a compound no || in rusage."""
    found: Dict[str, str] = {}
    rest = text.strip()
    bare = re.match(rf"(.*?)(?=(?:\b(?:{'|'.join(SECTIONS)})\[)|$)", rest, re.DOTALL)
    if bare and bare[1].strip():
        if not bare[1].endswith(" ") and bare[1] != rest:
            raise Bad(f"-R {text}: a blank between sections")
        found["select"] = bare[1].strip()
        rest = rest[bare.end() :]
    while rest:
        match = re.match(rf"({'|'.join(SECTIONS)})\[([^][]*(?:\[[^][]*\][^][]*)*)\](\s+|$)", rest)
        if match is None:
            raise Bad(f"-R {text}: not a section with its brackets, and a blank after it: {rest!r}")
        name, held = match[1], match[2].strip()
        once(found, name, f"{name}[] in one string")
        if name == "select" and found:
            raise Bad(f"-R {text}: select comes first")
        if not held:
            raise Bad(f"-R {text}: {name}[] is empty")
        found[name] = held
        rest = rest[match.end() :]
    if not found:
        raise Bad("-R without a requirement")
    for name, held in found.items():
        CHECKS[name](held)
    mem, gpus = _usage(found.get("rusage", ""), unit, within)
    return Simple(found, mem, _cores(found.get("affinity")), gpus)


def _usage(text: str, unit: str, within: bool) -> Tuple[Optional[Amount], Optional[int]]:
    """name=value[/task|/job|/host], between : and commas, with duration and decay; || for alternatives. No name twice."""
    mem, gpus = None, None
    if within and "||" in text:
        raise Bad(f"rusage[{text}]: no || in a compound requirement")
    for choice in text.split("||") if text else []:
        seen: Dict[str, object] = {}
        for phrase in split_outside(choice, ","):
            for term in split_outside(phrase, ":"):
                match = matched(r"([A-Za-z]\w*)=(.+)", term.strip(), f"a term of rusage[{text}]")
                name, value = match[1], match[2]
                if name == "duration":
                    matched(r"[0-9]+[mhs]?|\([0-9mhs ]+\)", value, "a duration: minutes, or with h or s")
                elif name == "decay":
                    matched(r"[01]|\([01 ]+\)", value, "0 or 1")
                else:
                    once(seen, name, f"{name} in rusage[]")
                    seen[name] = value
                    amount = matched(r"(\([^()]+\)|[0-9.]+[A-Za-z]*)(?:/(?:task|job|host))?", value, f"an amount of {name}")[1]
                    if name == "mem" and not amount.startswith("("):
                        mem = memory(amount, unit)
                    elif name in ("ngpus_physical", "ngpus_excl_p", "ngpus_shared", "ngpus"):
                        gpus = int(float(amount))
    return mem, gpus


def _cores(affinity: Optional[str]) -> Optional[int]:
    match = re.match(r"(?:core|thread|cpu)\(([0-9]+)", affinity or "")
    return int(match[1]) if match else 1 if affinity and affinity.startswith(("core", "thread", "cpu")) else None


OPERAND = r"\s*[!+-]*\s*(?:'[^']*'|\"[^\"]*\"|[A-Za-z_][\w.-]*(?:\([\w.]+\))?|[0-9]+(?:\.[0-9]+)?[A-Za-z]*)\s*"
OPERATOR = r"(?:&&|\|\||==|!=|>=|<=|>|<|\+|-|\*|/)"


def selection(text: str) -> None:
    """Names, numbers and strings between the operators of C; a single = is none of them."""
    while True:
        inner = re.search(r"(^|[(!&|<>=+*/\s-])\(([^()]*)\)", text)
        if inner is None:
            break
        _flat(inner[2])
        text = f"{text[: inner.start()]}{inner[1]}x{text[inner.end() :]}"
    _flat(text)


def _flat(text: str) -> None:
    matched(rf"{OPERAND}(?:{OPERATOR}{OPERAND})*", text, "a selection: names and values between && || ! == != >= <= > <")


def span(text: str) -> None:
    matched(
        r"hosts=(?:1|-1)|ptile=(?:[1-9][0-9]*|'!'|!)(?:,[\w.-]+:[1-9][0-9]*)*|block=[1-9][0-9]*|stripe(?:=[1-9][0-9]*)?",
        text,
        "a span: hosts=1, hosts=-1, ptile=N, block=N or stripe[=N]",
    )


LEVEL = "(?:numa|socket|core|thread)"


def affinity(text: str) -> None:
    options = rf"(?:,\s*same={LEVEL})?(?:,\s*exclusive=\({LEVEL}(?:,\s*(?:injob|alljobs|allhosts))?\))?"
    unit = rf"(?:numa|socket|core|thread|mcm|cpu)(?:\([1-9][0-9]*{options}\))?(?:\*[1-9][0-9]*)?"
    spread = rf"(?:\s*:\s*distribute=(?:pack(?:\({LEVEL}=[0-9]+\))?|balance|any))?"
    binding = rf"(?:\s*:\s*cpubind={LEVEL})?(?:\s*:\s*membind=(?:localonly|localprefer))?"
    matched(
        unit + binding + spread, text, "an affinity: pu_type[(number[,options])][*count][:cpubind=…][:membind=…][:distribute=…]"
    )


def named(what: str, pattern: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        matched(pattern, text, what)

    return check


CHECKS: Dict[str, Callable[[str], None]] = {
    "select": selection,
    "order": named("an order: [-]name[:[-]name…]", r"[!-]?\w+(?::[!-]?\w+)*|[!\w\s()*/+.-]+"),
    "rusage": lambda text: None,  # _usage reads it
    "span": span,
    "same": named("names between colons", r"\w+(?::\w+)*"),
    "cu": named(
        "attributes of compute units", r"(?:type|pref|maxcus|usablecuslots|balance|excl)(?:=[\w%]+)?(?::\w+(?:=[\w%]+)?)*"
    ),
    "affinity": affinity,
}


def requirement(text: str, unit: str) -> Tuple[List[Tuple[int, Simple]], bool]:
    """Parts of a compound requirement with their slots, or one part of 0 slots; and whether it was compound.

    N*{…}+N*{…}; {…}||{…}@MINUTES are alternatives, of which the first is what was asked for.
    """
    text = text.strip()
    choices = _alternatives(text)
    for choice in choices[1:]:
        requirement(choice, unit)
    if len(choices) > 1:
        return requirement(choices[0], unit)
    if not re.match(r"[0-9]+\s*\*\s*\{", text):
        return [(0, simple(text, unit))], False
    parts: List[Tuple[int, Simple]] = []
    for part in split_outside(text, "+"):
        match = matched(r"(?:([0-9]+)\s*\*\s*)?\{(.*)\}", part.strip(), f"a part N*{{…}} of -R {text}")
        parts.append((whole(match[1], "a number of slots", 1) if match[1] else 0, simple(match[2], unit, within=True)))
    if any(not number for number, _ in parts[:-1]):
        raise Bad(f"-R {text}: only the last number of slots may be left out")
    return parts, True


def _alternatives(text: str) -> List[str]:
    if not text.startswith("{"):
        return [text]
    found = []
    for part in re.split(r"\|\|(?=\s*\{)", text):
        found.append(
            matched(r"\s*\{(.*)\}(?:@[1-9][0-9]*)?\s*", part, f"an alternative {{…}}[@minutes] of -R {text}")[1].strip()
        )
    return found


def component(slots: int, part: Simple) -> Component:
    return Component(slots, cpus=part.cpus or 1, mem_mib=part.mem_mib, gpus=part.gpus, extra=tuple(part.sections.items()))
