"""Grid Engine's resources: the complexes that every cluster has, and how a value of each type is read.

Sources: Son of Grid Engine 8.1.9 sge_types(5) (memory_specifier, time_specifier), complex(5), and `qconf -sc` of a fresh 8.1.9.
"""

from __future__ import annotations

from typing import Callable, Dict

from .reading import Bad, matched, scaled
from .request import Amount

_POWERS = {letter: power for power, letter in enumerate("kmgt", 1)}
_UNITS: Dict[str, Amount] = {"": 1}
_UNITS.update({letter: 1000**power for letter, power in _POWERS.items()})
_UNITS.update({letter.upper(): 1024**power for letter, power in _POWERS.items()})


def memory(value: str) -> Amount:
    """MiB of bytes, or of k m g t (powers of 1000) or K M G T (of 1024). qsub takes a fraction too, the manual does not."""
    return scaled(value, _UNITS, "memory: a whole number and k, m, g, t (of 1000) or K, M, G, T (of 1024)")


def time(value: str) -> int:
    """Seconds, or H:M:S with both colons, where a number that is zero may be left out. A limit of nothing is refused."""
    match = matched(r"([0-9]+)|([0-9]*):([0-9]*):([0-9]*)", value, "a time: seconds, or H:M:S with both colons")
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    if minutes > 59 or seconds > 59:
        raise Bad(f"{value!r}: minutes and seconds go to 59")
    total = int(match[1]) if match[1] else (hours * 60 + minutes) * 60 + seconds
    if not total:
        raise Bad(f"{value!r} is no time at all")
    return total


def integer(value: str) -> int:
    return int(matched(r"[0-9]+", value, "a whole number")[0])


def boolean(value: str) -> bool:
    return matched(r"(?i:true|t|1|yes|y|false|f|0|no|n)", value, "true or false")[0].lower()[0] in "t1y"


def double(value: str) -> float:
    return float(matched(r"[0-9]+(?:\.[0-9]+)?", value, "a number")[0])


def text(value: str) -> str:
    return matched(r"\S+", value, "a word or a pattern")[0]


KINDS: Dict[str, Callable[[str], object]] = {
    "BOOL": boolean, "DOUBLE": double, "HOST": text, "INT": integer, "MEMORY": memory, "STRING": text, "TIME": time,
}  # fmt: skip

# Requestable ones only; slots is the parallel environment's (qsub: "use parallel environments instead").
_BY_TYPE = {
    "STRING": "arch calendar m_topology m_topology_inuse qname",
    "DOUBLE": "cpu",
    "BOOL": "display_win_gui",
    "HOST": "hostname",
    "INT": "m_core m_socket m_thread num_proc",
    "TIME": "h_cpu h_rt s_cpu s_rt",
    "MEMORY": "h_core h_data h_fsize h_rss h_stack h_vmem s_core s_data s_fsize s_rss s_stack s_vmem mem_free mem_total"
    " mem_used swap_free swap_rate swap_rsvd swap_total swap_used virtual_free virtual_total virtual_used",
}
COMPLEXES: Dict[str, str] = {name: kind for kind, names in _BY_TYPE.items() for name in names.split()}
SHORT: Dict[str, str] = {
    "a": "arch", "c": "calendar", "core": "m_core", "dwg": "display_win_gui", "h": "hostname", "mf": "mem_free",
    "mt": "mem_total", "mu": "mem_used", "p": "num_proc", "q": "qname", "sf": "swap_free", "socket": "m_socket",
    "sr": "swap_rate", "srsv": "swap_rsvd", "st": "swap_total", "su": "swap_used", "thread": "m_thread",
    "topo": "m_topology", "utopo": "m_topology_inuse", "vf": "virtual_free", "vt": "virtual_total", "vu": "virtual_used",
}  # fmt: skip
