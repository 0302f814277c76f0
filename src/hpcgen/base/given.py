"""The kinds of text as people give them to Request: ``Request(time="2h")``, not ``Request(time=Time.parse("2h"))``.

At run time these are the kinds themselves, and `plan` parses the values. Type checkers read the stub `given.pyi` instead,
which says what type each value may have.
"""

from __future__ import annotations

from hpcgen.base.kinds import Line, Module, Name, Text, Token
from hpcgen.base.units import Memory, Time

__all__ = ["Line", "Memory", "Module", "Name", "Text", "Time", "Token"]
