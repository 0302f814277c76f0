"""The kinds of text that come in from flags, files and profiles, each checked as it comes in.

`parse` of each makes one of any value, or raises ValueError with a sentence that shows the value.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Tuple

from hpcgen.base.units import Memory, Time

# Patterns that mean the same in Python and in JSON Schema.
_TOKEN = r"(?!-)[A-Za-z0-9_%+@:,=./^&|*()\[\]!~?{}-]+"
_MODULE = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


class Token(str):
    """One word of a directive: a partition, an account, a node list. No blanks, quotes, ``$``, ``#`` or ``\\``.

    A file may say it as a number: ``gpus = 2``.
    """

    @classmethod
    def parse(cls, value: object) -> Token:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _string(value)
        if not re.fullmatch(_TOKEN, text):
            raise ValueError(f"{text!r} is not one plain word (letters, digits and _%+@:,=./-[]&|* only)")
        return cls(text)


class Line(str):
    """A line of printable text: a job's name, a path, a whole directive."""

    @classmethod
    def parse(cls, value: object) -> Line:
        text = _string(value)
        if not text.strip() or not text.isprintable():
            raise ValueError(f"{text!r} is not one line of printable text")
        return cls(text)


class Text(str):
    """Whatever can be an argument of a program: anything but the NUL character."""

    @classmethod
    def parse(cls, value: object) -> Text:
        text = _string(value)
        if "\0" in text:
            raise ValueError(f"{text!r} holds a NUL character, which no program's argument can")
        try:
            length = len(text.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:
            raise ValueError(f"{text!r} cannot be written as UTF-8, as scripts are") from None
        if length >= LONGEST:
            raise ValueError(f"{text[:20]!r}… has {length} bytes, and Linux passes less than {LONGEST} on: use a file")
        return cls(text)


class Module(str):
    """A Python name with its module: ``distributed.Nanny``."""

    @classmethod
    def parse(cls, value: object) -> Module:
        text = _string(value)
        if not re.fullmatch(_MODULE, text):
            raise ValueError(f"{text!r} is not a Python name with its module, as distributed.Nanny is")
        return cls(text)


class Name(str):
    """The name of an environment variable."""

    @classmethod
    def parse(cls, value: object) -> Name:
        text = _string(value)
        if not re.fullmatch(_NAME, text):
            raise ValueError(f"{text!r} is not the name of an environment variable")
        if text in RESERVED:
            raise ValueError(f"{text} is bash's own and cannot be set")
        return cls(text)


# The longest argument or environment entry that Linux passes on. Source: execve(2), MAX_ARG_STRLEN.
LONGEST = 32 * 4096

# Assigning to these fails, does nothing, is undone by the next bash, or changes what bash itself does with the lines
# that follow. Those that bash evaluates as arithmetic would even run a command: OPTIND='a[$(command)]'.
RESERVED = frozenset(
    "BASHOPTS BASHPID BASH_VERSINFO EUID PPID SHELLOPTS UID GROUPS DIRSTACK FUNCNAME PIPESTATUS IFS _ "
    "BASH_ARGC BASH_ARGV BASH_CMDS BASH_ALIASES BASH_LINENO BASH_SOURCE BASH_COMMAND BASH_SUBSHELL RANDOM SECONDS "
    "SRANDOM EPOCHSECONDS EPOCHREALTIME LINENO HISTCMD BASH_ENV ENV PS4 POSIXLY_CORRECT COMP_WORDBREAKS "
    "OPTIND OPTERR BASH BASH_ARGV0 BASH_VERSION BASH_EXECUTION_STRING BASH_MONOSECONDS BASH_TRAPSIG EXECIGNORE PS1 PS2 PWD "
    "OLDPWD SHLVL".split()
)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {value!r}")
    return value


def option(field: str) -> str:
    """The command line's option for this field of a request: ``--mem-per-cpu``."""
    return f"--{field.replace('_', '-')}"


def option_given(field: str, value: object) -> str:
    """The option as the user gave it: ``--no-requeue`` if a switch is off."""
    return option(f"no-{field}" if value is False else field)


def parse(kind: type, value: object) -> object:
    """The hook by which msgspec makes our kinds out of what TOML or the command line gave."""
    return kind.parse(value)  # type: ignore[attr-defined]


def plain(value: object) -> object:
    """The hook by which msgspec writes our kinds."""
    if isinstance(value, (Time, Memory)):
        return int(value)
    if isinstance(value, str):
        return str(value)
    raise TypeError(type(value).__name__)


KINDS: Tuple[type, ...] = (Token, Line, Text, Module, Name, Time, Memory)


def schema(kind: type) -> Dict[str, Any]:
    """The JSON Schema of this kind. A time, an amount of memory and a word may also be a number in TOML."""
    time = r"([0-9]+(d|h|min|m|sec|s))+|[0-9]+-[0-9]+(:[0-9]+){0,2}|[0-9]+(:[0-9]+){0,2}"
    found: Dict[type, Dict[str, Any]] = {
        Token: {"type": ["string", "integer"], "pattern": f"^{_TOKEN}$", "minimum": 0, "examples": ["milan", "h100:2"]},
        Line: {
            "type": "string",
            "pattern": r"^[^\u0000-\u001f\u007f-\u00a0\u2028\u2029]*[^\u0000-\u0020\u007f-\u00a0\u2028\u2029]"
                       r"[^\u0000-\u001f\u007f-\u00a0\u2028\u2029]*$",
            "examples": ["one line of text"],
        },
        Text: {"type": "string", "pattern": r"^[^\u0000]*$", "maxLength": LONGEST - 1, "examples": ["--alpha"]},
        Module: {"type": "string", "pattern": f"^{_MODULE}$", "examples": ["distributed.Nanny"]},
        Name: {"type": "string", "pattern": f"^{_NAME}$", "not": {"enum": sorted(RESERVED)}, "examples": ["NCCL_DEBUG"]},
        Time: {
            "type": ["string", "integer"], "pattern": rf"^\s*(?=.*[1-9])({time})\s*$", "maxLength": 30, "minimum": 1,
            "examples": ["90m", "2h", "1:30:00", "1-12:00:00"],
        },
        Memory: {
            "type": ["string", "integer"], "pattern": r"^(0|\s*0*[1-9][0-9]*\s*([KMGTPkmgtp]([iI]?[bB])?)?\s*)$", "minimum": 0,
            "examples": ["512M", "3G", "2T"],
        },
    }  # fmt: skip
    return found[kind]
