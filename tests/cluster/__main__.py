"""Miniature clusters: up, down, status, a shell on a host, or install what they need."""
from __future__ import annotations

import argparse
import os
import sys
import time

from . import bed, examples, needs
from .shape import LOGIN, Shape


def named(name: str) -> Shape:
    try:
        return examples.ALL[name]
    except KeyError:
        sys.exit(f"no miniature is called {name}: there are {', '.join(examples.ALL)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", usage="python -m tests.cluster up|down|shell NAME [HOST], status, install", description=__doc__)
    parser.add_argument("verb", choices=["up", "down", "status", "shell", "install"])
    parser.add_argument("name", nargs="?")
    parser.add_argument("host", nargs="?", default=LOGIN)
    args = parser.parse_args()
    if args.verb == "status":
        return status()
    if args.verb == "install":
        return needs.install()
    if not args.name:
        parser.error("which one?")
    miniature = bed.Miniature(named(args.name))
    if args.verb == "shell":
        line = miniature.command(["bash", "-l"], args.host)
        os.execvp(line[0], line)
    begin = time.monotonic()
    getattr(miniature, args.verb)()
    print(f"{args.name} is {args.verb} ({time.monotonic() - begin:.1f} s)")


def status() -> None:
    for name, shape in examples.ALL.items():
        print(f"{name:12} {'up' if bed.Miniature(shape).healthy() else 'down'}")


if __name__ == "__main__":
    main()
