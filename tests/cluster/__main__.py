"""Miniature clusters: up, down, status, a shell on a host; the table of what ran; or install what they need."""
from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from . import bed, examples, from_site, needs
from .shape import LOGIN, Shape


def named(name: str) -> Shape:
    """A site's profile, by its name or its file's; else one of the hand-written examples."""
    try:
        from hpcgen.base import errors
        from hpcgen.profiles import site
    except ImportError as problem:
        if name in examples.ALL:
            return examples.ALL[name]
        sys.exit(f"{name}: reading a site's profile needs hpcgen installed ({problem})")
    try:
        return from_site.shape(site.load(name))
    except errors.SiteError as problem:
        if name in examples.ALL:
            return examples.ALL[name]
        sys.exit(str(problem))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster",
        usage="python -m tests.cluster up|down|shell NAME [HOST], status, cases, install",
        description=__doc__,
    )
    parser.add_argument("verb", choices=["up", "down", "status", "shell", "cases", "install"])
    parser.add_argument("name", nargs="?")
    parser.add_argument("host", nargs="?", default=LOGIN)
    args = parser.parse_args()
    if args.verb == "status":
        return status()
    if args.verb == "cases":
        from . import report

        return print(report.table())
    if args.verb == "install":
        return needs.install()
    if not args.name:
        parser.error("which one?")
    # what is already up needs its name only
    miniature = bed.Miniature(named(args.name) if args.verb == "up" else Shape(Path(args.name).stem, (), ()))
    if args.verb == "shell":
        line = miniature.command(["bash", "-l"], args.host)
        os.execvp(line[0], line)
    begin = time.monotonic()
    getattr(miniature, args.verb)()
    print(f"{args.name} is {args.verb} ({time.monotonic() - begin:.1f} s)")


def status() -> None:
    """Whatever has left a folder, whoever brought it up."""
    for folder in sorted(bed.BEDS.glob("*/state.json")):
        alive = bed.lives(folder)
        print(f"{folder.parent.name:16} {'up' if alive else 'dead: take it down'}")


if __name__ == "__main__":
    main()
