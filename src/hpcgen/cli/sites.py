"""`hpcgen sites`: the machines, and what is known of one, with where it comes from."""

# Not `from __future__ import annotations`: with Python 3.9, typer does not look into annotations that are strings.
from typing import Annotated, Any, Dict, List, Tuple

import typer

from hpcgen import site as sites
from hpcgen.charging import Rates
from hpcgen.cli import complete, show
from hpcgen.config import open_rooms
from hpcgen.errors import SiteError
from hpcgen.facts import Bin
from hpcgen.tables import Table

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def listing(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """List the machines that have a profile.

    \b
    hpcgen sites                 one line each
    hpcgen sites show mahuika    everything known of one, with sources
    hpcgen sites schema          the JSON Schema of profiles, for editors
    """
    open_rooms()
    if ctx.invoked_subcommand:
        return
    found: List[sites.Site] = []
    wrong: List[str] = []
    for _, path in sites.listing():
        try:
            found.append(sites.load(str(path)))
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


def _status(site: sites.Site) -> str:
    return f"retired, see {site.successor}" if site.status == "retired" and site.successor else site.status


@app.command("show")
def show_site(
    site: Annotated[str, typer.Argument(autocompletion=complete.sites, help="id, alias or profile file")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print every fact of a site with its source and the source's date."""
    found = sites.load(site)
    if as_json:
        import msgspec

        from hpcgen.words import plain

        print(msgspec.json.encode(found, enc_hook=plain).decode())
        return
    print(f"{found.name}, {found.operator}, {found.country}: {_status(found)}")
    if found.aliases:
        print(f"also called {', '.join(found.aliases)}")
    show.table(("fact", "value", "source"), _facts(found))


def _facts(site: sites.Site) -> List[Tuple[str, str, str]]:
    rows = []
    for place, table in _tables(site).items():
        for key in table.stated():
            origin = site.cite(*place, key)
            text = _text(getattr(table, key))
            rows.append((".".join((*place, key)), text, f"{origin.source or '?'}, {origin.date or '?'}"))
    return rows


def _text(value: Any) -> str:
    """A fact in a line; of a table within a table, what differs from a silent one."""
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


def _tables(site: sites.Site) -> Dict[Tuple[str, ...], Any]:
    found: Dict[Tuple[str, ...], Any] = {}
    for name in site.__struct_fields__:
        value = getattr(site, name)
        if isinstance(value, Table):
            found[(name,)] = value
        elif name in ("nodes", "partitions"):
            found.update({(name, key): table for key, table in value.items()})
    return found


@app.command()
def schema() -> None:
    """Print the JSON Schema of profiles: editors complete and check with it."""
    import json

    import msgspec

    def kind(_: type) -> Dict[str, str]:
        return {"type": "string"}

    print(json.dumps(msgspec.json.schema(sites.Site, schema_hook=kind), indent=2))
