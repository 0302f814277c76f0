"""Converts times and amounts of memory between schedulers' notations and seconds or MiB."""

from __future__ import annotations

import re

_SUFFIX = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_MIB = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}


class Time(int):
    """A duration in seconds."""

    @classmethod
    def parse(cls, value: object) -> Time:
        return value if isinstance(value, cls) and value > 0 else parse_time(_text(value))

    def __str__(self) -> str:
        return clock(self)


class Memory(int):
    """An amount of memory in MiB; 0 means all memory of a node."""

    @classmethod
    def parse(cls, value: object) -> Memory:
        if isinstance(value, cls) and value >= 0:
            return value
        return cls(0) if _text(value) == "0" else parse_memory(_text(value))

    def __str__(self) -> str:
        return size(self)


def _text(value: object) -> str:
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(int(value) if isinstance(value, int) else value)  # a Time or Memory as the number that it is
    raise ValueError(f"{value!r} is not text such as '2h' or '3G'")


def parse_time(text: str) -> Time:
    """Seconds for ``2h``, ``90m``, ``1d12h``, or sbatch's own forms: minutes, M:S, H:M:S, D-H, D-H:M, D-H:M:S.

    Source: sbatch(1), --time. Raises ValueError.
    """
    text = text.strip()
    if len(text) > 30:
        raise ValueError(f"'{text[:30]}…' is not a time: write 90m, 2h, 1:30:00 or 1-12:00:00")
    if re.fullmatch(r"([0-9]+(d|h|min|m|sec|s))+", text):
        total = sum(int(n) * _SUFFIX[unit] for n, unit in re.findall(r"([0-9]+)(d|h|min|m|sec|s)", text))
    elif match := re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?(?::(\d+))?", text, re.ASCII):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = days * 86400 + hours * 3600 + minutes * 60 + seconds
    elif match := re.fullmatch(r"(\d+)(?::(\d+))?(?::(\d+))?", text, re.ASCII):
        parts = [int(part) for part in match.groups() if part is not None]
        parts = [0, *parts] if len(parts) < 3 else parts
        total = sum(n * unit for n, unit in zip(parts, (3600, 60, 1)))
    else:
        raise ValueError(f"'{text}' is not a time: write 90m, 2h, 1:30:00 or 1-12:00:00")
    if total <= 0:
        raise ValueError(f"'{text}' is not a positive time: write 90m, 2h, 1:30:00 or 1-12:00:00")
    return Time(total)


def clock(seconds: int) -> str:
    """``[D-]HH:MM:SS``."""
    days, rest = divmod(int(seconds), 86400)
    return f"{days}-{hms(rest)}" if days else hms(rest)


def hms(seconds: int) -> str:
    """``HH:MM:SS`` with any number of hours, for schedulers that do not count days."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def hm(seconds: int) -> str:
    """``HH:MM``, rounded up to whole minutes."""
    return f"{-(-seconds // 60) // 60:02d}:{-(-seconds // 60) % 60:02d}"


def parse_memory(text: str) -> Memory:
    """MiB for ``512M``, ``3G``, ``2T`` (also GB, GiB; a bare number is MiB). Units are binary, as for sbatch.

    Source: sbatch(1), --mem: whole numbers only. For a fraction, raises ValueError with the nearest whole number.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([KMGTP])(?:i?B)?)?", text.strip(), re.IGNORECASE | re.ASCII)
    if not match:
        raise ValueError(f"'{text}' is not an amount of memory: write 512M or 3G")
    number, unit = match.group(1), (match.group(2) or "M").upper()
    mib = min(float(number), 1e12) * _MIB[unit]
    if not mib:
        raise ValueError(f"'{text}' is not an amount of memory: write 512M or 3G, or 0 for all memory of a node")
    if "." in number:
        raise ValueError(f"'{text}' is not a whole number: write {max(1, round(mib))}M")
    if mib < 1 or mib != int(mib):
        raise ValueError(f"'{text}' is not a whole number of MiB: write {max(1, round(mib))}M")
    return Memory(mib)


def counted(number: int, what: str) -> str:
    """A number with its noun: ``1 GPU``, ``2 GPUs``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def in_units(number: str, unit: str) -> str:
    """A formatted number with its unit, which is given in the plural: ``1 core-hour``, ``12.5 compute units``."""
    return f"{number} {unit[:-1] if number == '1' and unit.endswith('s') else unit}"


def size(mib: int) -> str:
    """The shortest exact notation: ``3G``, ``1536M``; 0, for all memory of a node, has no unit."""
    if not mib:
        return "0"
    for unit, factor in (("T", 1024**2), ("G", 1024)):
        if mib % factor == 0:
            return f"{mib // factor}{unit}"
    return f"{int(mib)}M"
