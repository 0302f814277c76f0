"""`hpcgen sites`: lists the machines, and prints the facts of one machine with their sources."""

# Not `from __future__ import annotations`: with Python 3.9, typer does not look into annotations that are strings.
from pathlib import Path
from typing import Annotated, Any, Dict, List, Tuple

import typer

from hpcgen.base.errors import RequestError, SiteError, among
from hpcgen.base.toml import Table, read
from hpcgen.cli import Group, complete, show
from hpcgen.inputs import config
from hpcgen.profiles.charging import Rates
from hpcgen.profiles.facts import Bin
from hpcgen.profiles.listing import listing
from hpcgen.profiles.load import load
from hpcgen.profiles.site import Site

app = typer.Typer(cls=Group, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

# The kinds of file that have a schema, and the module that makes it. Only `schema` imports these modules.
SCHEMAS = {"site": "hpcgen.profiles.schema", "request": "hpcgen.request.schema", "config": "hpcgen.request.schema"}


@app.callback(invoke_without_command=True)
def overview(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """List the machines that have a profile.

    \b
    hpcgen sites                 one line for each machine
    hpcgen sites show mahuika    all facts of one machine, with their sources
    hpcgen sites schema          the JSON Schema of profiles, for editors
    """
    if ctx.invoked_subcommand:
        return
    found: List[Site] = []
    wrong: List[str] = []
    for path in listing(config.rooms(config.configs())).values():
        try:
            found.append(load(str(path)))
        except SiteError as error:
            wrong += error.problems
    if as_json:
        import json

        keys = ("id", "name", "operator", "country", "status", "path")
        print(json.dumps([{key: str(getattr(site, key)) for key in keys} for site in found]))
    else:
        rows = ((s.id, s.scheduler.type, s.name, s.operator, s.country, _status(s), f"{s.facts_age()[1]}") for s in found)
        show.table(("site", "scheduler", "name", "operator", "in", "status", "facts of"), rows)
    if wrong:
        raise SiteError(*wrong)


def _status(site: Site) -> str:
    return f"retired, see {site.successor}" if site.status == "retired" and site.successor else site.status


@app.command("show")
def show_site(
    site: Annotated[str, typer.Argument(autocompletion=complete.sites, help="id or alias of the site, or a profile file")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print all facts of a site, each with its source and the date of the source."""
    found = load(site, config.rooms(config.configs()))
    if as_json:
        import msgspec

        from hpcgen.base.kinds import plain

        print(msgspec.json.encode(found, enc_hook=plain).decode())
        return
    print(f"{found.name}, {found.operator}, {found.country}: {_status(found)}")
    if found.aliases:
        print(f"also called {', '.join(found.aliases)}")
    show.table(("fact", "value", "source"), _facts(found))


def _facts(site: Site) -> List[Tuple[str, str, str]]:
    rows, data = [], read(Path(site.path), SiteError)
    for place, table in _tables(site).items():
        for key in _stated(data, place, table):
            origin = site.cite(*place, key)
            text = _text(getattr(table, key))
            rows.append((".".join((*place, key)), text, f"{origin.source or '?'}, {origin.date or '?'}"))
    return rows


def _stated(data: Dict[str, Any], place: Tuple[str, ...], table: Table) -> List[str]:
    """The keys that the profile states, also those whose value is the default."""
    for name in place:
        data = data.get(name, {})
    return [key for key in table.__struct_fields__ if key in data and key not in ("source", "sources")]


def _text(value: Any) -> str:
    """Write a fact as one line. From a table of rates, leave out the defaults."""
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_text, value))
    if isinstance(value, Bin):
        return f"{value.max_time} up to " + " and ".join(f"{most} {key}" for key, most in _pairs(value)[:3] if most)
    if isinstance(value, Rates):
        silent = Rates()
        value = {key: fact for key, fact in _pairs(value) if fact != getattr(silent, key)}
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(fact)}" for key, fact in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pairs(table: Any) -> List[Tuple[str, Any]]:
    return [(key, getattr(table, key)) for key in table.__struct_fields__]


def _tables(site: Site) -> Dict[Tuple[str, ...], Any]:
    found: Dict[Tuple[str, ...], Any] = {}
    for name in site.__struct_fields__:
        value = getattr(site, name)
        if isinstance(value, Table):
            found[(site.scheduler.type if name == "dialect" else name,)] = value
        elif name in ("nodes", "partitions"):
            found.update({(name, key): table for key, table in value.items()})
    return found


@app.command()
def schema(
    of: Annotated[str, typer.Option("--of", metavar="|".join(SCHEMAS), help="type of file")] = "site",
) -> None:
    """Print a JSON Schema. Editors use it to complete and check your files.

    \b
    hpcgen sites schema                for profiles of sites
    hpcgen sites schema --of request   for request files
    hpcgen sites schema --of config    for config.toml
    """
    import importlib
    import json

    if of not in SCHEMAS:
        raise RequestError(f"--of: unknown type of file '{of}'{among(of, list(SCHEMAS))}")
    print(json.dumps(getattr(importlib.import_module(SCHEMAS[of]), f"of_{of}")(), indent=2))
