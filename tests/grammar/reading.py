"""What the parsers share: lines, words as qsub splits them, ranges, times and amounts. Errors are `Bad`, without a line yet."""

from __future__ import annotations

import re
from contextlib import contextmanager
from fractions import Fraction
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .request import Amount, Refused


class Bad(ValueError):
    """A value is malformed; whoever knows the line makes a `Refused` of it."""


@contextmanager
def at(line: int) -> Iterator[None]:
    """Within it, what is bad is refused at this line."""
    try:
        yield
    except Bad as why:
        raise Refused(line, str(why)) from None


def lines(text: str) -> List[Tuple[int, str]]:
    """Numbered lines, split at newlines alone. A carriage return would end up in the values, so it is refused."""
    if "\0" in text:
        raise Refused(text[: text.index("\0")].count("\n") + 1, "a NUL: not a text")
    found = list(enumerate(text.removesuffix("\n").split("\n"), 1))
    for number, line in found:
        if line.endswith("\r"):
            raise Refused(number, "a carriage return ends the line: it would become part of the value")
    return found


def leading(text: str, sentinel: str, command: Callable[[str], bool]) -> Iterator[Tuple[int, str]]:
    """The directives before the first command, without their sentinel; one after it is refused, for nobody would read it."""
    first: Optional[int] = None
    for number, line in lines(text):
        if line.lstrip().startswith(sentinel):
            if first:
                raise Refused(number, f"a directive after the first command (line {first}): it is silently ignored")
            yield number, line.lstrip()[len(sentinel) :]
        elif first is None and command(line):
            first = number


def shell_command(line: str) -> bool:
    """Whether a line is more than blank or a comment."""
    bare = line.strip()
    return bool(bare) and not bare.startswith("#")


def words(text: str) -> List[str]:
    """As OpenPBS' make_argv splits a directive: quotes of either kind without escapes in them, a backslash outside of them.

    Source: openpbs src/cmds/qsub.c, make_argv (commit f5e1bf97). A # is not a comment here.
    """
    found: List[str] = []
    word: Optional[str] = None
    rest = iter(text)
    for char in rest:
        if char in "\"'":
            word = word or ""
            for inner in rest:
                if inner == char:
                    break
                word += inner
            else:
                raise Bad(f"unmatched {char}")
        elif char == "\\":
            word = (word or "") + next(rest, "")
        elif char.isspace():
            if word is not None:
                found.append(word)
            word = None
        else:
            word = (word or "") + char
    return found if word is None else [*found, word]


PIECE = re.compile(
    r"""\"{3}(?P<triple>.*?)\"{3}|'{3}(?P<single_triple>.*?)'{3}|'(?P<single>[^']*)'|\"(?P<double>(?:\\.|[^\"\\])*)\"
    |(?P<joined>\\\n)|\\(?P<escaped>.)|(?P<plain>[^\s'\"\\#;&|<>()]+)|(?P<blank>\s+)|(?P<comment>\#.*)|(?P<shell>[;&|<>()]+)""",
    re.VERBOSE | re.DOTALL,
)


def shell_words(text: str, comments: bool = True) -> List[str]:
    """Words under POSIX shell quoting, and triple quotes, which RFC 36 adds (and a shell reads alike where they hold no quote).

    What else a shell would do is refused: ; & | < > ( ) outside of quotes. Variables stay as they are. A # begins a comment,
    unless there are to be none.
    """
    found: List[str] = []
    within = False  # a word, which further pieces go on
    position = 0
    while position < len(text):
        piece = PIECE.match(text, position)
        if piece is None:
            raise Bad(f"a quote that is not closed: {text[position:]}")
        position = piece.end()
        kind, value = piece.lastgroup, piece[piece.lastgroup or 0]
        if kind == "joined":
            continue  # a line that goes on
        if kind == "shell":
            raise Bad(f"{value} outside of quotes")
        if kind == "comment" and (within or not comments):
            raise Bad("an unquoted #: the rest of the line would be dropped")
        if kind == "comment":
            break
        if kind == "double":
            value = re.sub(r'\\([$`"\\])', r"\1", value)
        if kind != "blank" and within:
            found[-1] += value
        elif kind != "blank":
            found.append(value)
        within = kind != "blank"
    return found


def options(args: List[str], takes: str, bare: str) -> Iterator[Tuple[str, str]]:
    """Single-letter options as getopt reads them: `-l value`, `-lvalue`, `-Vh`. Anything else left over is refused."""
    rest = iter(args)
    for word in rest:
        if not re.fullmatch(r"-[A-Za-z].*", word, re.DOTALL):
            hint = ": the rest of a directive's line is not a comment" if word.startswith("#") else ""
            raise Bad(f"{word!r} is not an option{hint}")
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in bare:
                yield letter, ""
            elif letter in takes:
                value = letters or next(rest, None)
                if value is None or value == "":
                    raise Bad(f"-{letter} needs a value")
                yield letter, value
                letters = ""
            else:
                raise Bad(f"unknown option -{letter}")


def matched(pattern: str, value: str, what: str) -> re.Match[str]:
    match = re.fullmatch(pattern, value)
    if match is None:
        raise Bad(f"{value!r} is not {what}")
    return match


def whole(value: str, what: str = "a number", least: int = 0) -> int:
    number = int(matched(r"[0-9]+", value, what)[0])
    if number < least:
        raise Bad(f"{value!r} is not {what}: at least {least}")
    return number


def counted(options: Dict[str, str], name: str, what: str, least: int = 1) -> Optional[int]:
    """Take a number out of a command line's options. A shell variable stays among them: its value is not known here."""
    if name not in options or options[name].startswith("$"):
        return None
    return whole(options.pop(name), what, least)


def scaled(value: str, units: Mapping[str, Amount], what: str, number: str = r"[0-9]+") -> Amount:
    """An amount in MiB: a number and a unit, whose worth in bytes the mapping says."""
    match = matched(rf"({number})({'|'.join(map(re.escape, units))})", value, what)
    exact = Fraction(match[1]) * units[match[2]] / 1024**2
    return exact.numerator if exact.denominator == 1 else exact


def clock(value: str, what: str = "a time, [[HH:]MM:]SS") -> int:
    """Seconds of [[HH:]MM:]SS, hours without a bound, minutes and seconds below 60 where something is before them."""
    match = matched(r"(?:(?:([0-9]+):)?([0-9]+):)?([0-9]+)", value, what)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    if (match[2] and seconds > 59) or (match[1] and minutes > 59):
        raise Bad(f"{value!r} is not {what}: minutes and seconds go to 59")
    if not hours and not minutes and not seconds:
        raise Bad(f"{value!r} is no time at all")
    return (hours * 60 + minutes) * 60 + seconds


def steps(value: str, what: str, single: bool = True) -> Tuple[int, int, int]:
    """N, N-M or N-M:S as first, last, step; the last after the first."""
    match = matched(r"([0-9]+)(?:-([0-9]+)(?::([0-9]+))?)?", value, what)
    if match[2] is None and not single:
        raise Bad(f"{value!r} is not {what}: a range needs both ends")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    step = int(match[3]) if match[3] else 1
    if step < 1 or last < first or (match[2] and last == first and not single):
        raise Bad(f"{value!r} is not {what}: it holds nothing, or one index only")
    return first, last, step


def once(seen: Mapping[str, object], key: str, said: str) -> None:
    if key in seen:
        raise Bad(f"{said} is given twice")


def split_outside(text: str, separator: str) -> List[str]:
    """Split at a separator that stands outside of quotes and brackets."""
    parts, depth, quote = [""], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "[({":
            depth += 1
        elif char in "])}":
            depth -= 1
        elif char == separator and depth == 0:
            parts.append("")
            continue
        parts[-1] += char
    if quote or depth:
        raise Bad(f"unbalanced quotes or brackets in {text!r}")
    return parts


class Switch(NamedTuple):
    """An option of a command line: all its spellings, and whether it takes a value ("" no, "?" one after = only)."""

    spellings: str
    value: str = "value"


def switches(args: List[str], known: Sequence[Switch], clusters: bool = True) -> Tuple[List[Tuple[str, str]], List[str]]:
    """Options up to the first word that is none, each by its first spelling, and the rest; -- ends them.

    Short ones are -n4, -n 4 and, with clusters, -xv; long ones --nodes=4 and --nodes 4. No abbreviations.
    """
    by_name = {spelling: switch for switch in known for spelling in switch.spellings.split()}
    found: List[Tuple[str, str]] = []
    rest = list(args)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name not in by_name and not word.startswith("--") and clusters:
            name, value = word[:2], word[2:]
            equals = value
        if name not in by_name:
            raise Bad(f"unknown option {name}")
        switch = by_name[name]
        if switch.value == "":
            if equals and word.startswith("--"):
                raise Bad(f"{name} takes no value")
            if value:
                rest.insert(0, f"-{value}")
            value = ""
        elif switch.value == "value" and not equals:
            if not rest:
                raise Bad(f"{name} needs a value")
            value = rest.pop(0)
        if switch.value == "value" and not value:
            raise Bad(f"{name} needs a value")
        found.append((switch.spellings.split()[0], value))
    return found, rest
