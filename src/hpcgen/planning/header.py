"""The first lines of a script: what made it, from which facts, and the command that makes it again."""

from __future__ import annotations

from typing import List, Tuple

from hpcgen import schedulers
from hpcgen.base import shell
from hpcgen.base.kinds import option
from hpcgen.model.job import Job, Origin, Origins
from hpcgen.profiles.site import Site
from hpcgen.request.fields import Request, set_fields

FIRST = "hpcgen "
# Not options: the program comes last, and the site is written first.
APART = ("site", "program", "args")
# Written although a rule found it: the command means the same job when the program has changed.
INFERRED = "workload"


def lines(site: Site, request: Request, origins: Origins, *said: str) -> Tuple[str, ...]:
    """The version, the age of the facts, and the command. `said`: its name and own options, where it is not the scheduler's."""
    from hpcgen import __version__

    oldest, newest = site.facts_age()
    age = f"{newest}" if oldest == newest else f"{oldest} to {newest}"
    return (f"{FIRST}{__version__}: site {site.id}, facts of {age}", f"made by: {command(site, request, origins, *said)}")


def by_hand(job: Job) -> Tuple[str, ...]:
    """How to submit the script without hpcgen, where its own lines cannot say all."""
    scheduler = schedulers.get(job.scheduler)
    more = scheduler.on_command_line(job)
    return (f"submit by hand: {shell.comment([*scheduler.submit[:1], *more, 'job.sh'])}",) if more else ()


def verb(site: Site) -> str:
    """The command that starts a job there."""
    return "submit" if schedulers.get(site.scheduler.type).submit else "run"


def starts(site: Site, request: Request) -> List[str]:
    """The first words of the command that starts a job there, for a person to fill in."""
    account = ["--account", "ACCOUNT"] if site.scheduler.account_required and not request.account else []
    return ["hpcgen", verb(site), "--site", named(site, request), *account]


def named(site: Site, request: Request) -> str:
    """The site as `--site` takes it: the path of a profile that the user named by its path, else the id."""
    return site.path if request.site and request.site.endswith(".toml") else site.id


def _found_again(key: str, origin: Origin) -> bool:
    """Whether the same command finds this value again without being given it."""
    return origin.kind in ("fact", "default") or (origin.kind == "rule" and key != INFERRED)


def command(site: Site, request: Request, origins: Origins, *said: str) -> str:
    """One command for the whole request, whichever files and variables it came from, less the site's own defaults."""
    name, *more = said or (site.scheduler.type,)
    words: List[str] = ["hpcgen", name]
    if said or site.id != schedulers.get(site.scheduler.type).site:
        words += ["--site", named(site, request)]
    for key, value in set_fields(request).items():
        if key in APART or (key in origins and _found_again(key, origins[key])):
            continue
        flag = option(key)
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        elif isinstance(value, dict):
            words += [word for name, text in value.items() for word in (flag, f"{name}={text}")]
        elif isinstance(value, tuple):
            words += [word for item in value for word in (flag, item)]
        else:
            words += [flag, str(value)]
    program = [request.program, *request.args] if request.program else []
    return shell.comment([*words, *more, *program])
