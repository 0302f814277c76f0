"""The command line. Each command is built when it is called for, and imports ours inside itself."""

from __future__ import annotations

import gc
import io
import sys
from typing import Any, Callable, List, Optional

# Start-up makes many objects and no garbage: collections while importing cost a twentieth of it.
gc.disable()

import typer  # noqa: E402
from typer.core import TyperGroup  # noqa: E402


class Commands(TyperGroup):
    """The commands of `hpcgen.cli.commands` and one for each scheduler, made on demand."""

    def list_commands(self, ctx: Any) -> List[str]:
        from hpcgen.cli import commands

        return list(commands.table())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from hpcgen.cli import commands

        made = commands.table().get(cmd_name)
        return built(cmd_name, made) if made else None

    def resolve_command(self, ctx: Any, args: List[str]) -> Any:
        from hpcgen.base.errors import RequestError, among
        from hpcgen.cli import commands

        if args and not args[0].startswith("-") and args[0] not in commands.table():
            raise RequestError(f"unknown command '{args[0]}'{among(args[0], list(commands.table()))}")
        return super().resolve_command(ctx, args)


def built(name: str, make: Callable[[], Any]) -> Any:
    """A command out of what `commands.table` has for it: a command itself, or a Typer with commands of its own."""
    made = make()
    command = typer.main.get_command(made) if isinstance(made, typer.Typer) else made
    command.name = name
    return command


app = typer.Typer(
    cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
)  # fmt: skip


def _version(wanted: bool) -> None:
    if wanted:
        from hpcgen import __version__

        print(f"hpcgen {__version__}")
        raise typer.Exit()


@app.callback()
def root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="print the version")) -> None:
    """Batch scripts for parallel Python, from sourced facts about the machine.

    \b
    hpcgen slurm --site mahuika --hetjob            print a script
    hpcgen submit --site mahuika --hetjob prog.py   write and submit one
    hpcgen run --site local prog.py                 run one here
    hpcgen sites                                    list the machines
    """


def main(args: Optional[List[str]] = None) -> None:
    """Run the command and exit: 0 done, 1 the work failed, 2 the request is wrong."""
    try:
        sys.exit(status(args))
    finally:
        # All that lives now dies with the process; looking through it for garbage costs a tenth of the start-up.
        gc.freeze()


def status(args: Optional[List[str]] = None) -> int:
    """Run the command: its exit status, with what went wrong said on stderr in a line each."""
    from hpcgen.base.errors import HpcgenError
    from hpcgen.cli.messages import say

    if sys.stdout is None:
        say("stdout is closed: nowhere to print to")
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal of ASCII, or a name that is no text: shown as well as can be.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = int(app(args=args, standalone_mode=False, prog_name="hpcgen") or 0)
        sys.stdout.flush()
        return code
    except HpcgenError as error:
        say(*error.problems)
        return error.status
    except OSError as error:
        # Whoever reads our output has gone, or the disk is full; Python must not complain of it again at exit.
        sys.stdout = None
        if not isinstance(error, BrokenPipeError):
            say(f"{error.filename or 'stdout'}: {error.strerror}")
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        # click's own, which typer carries inside itself: a class that cannot be named for all of its versions.
        if not hasattr(error, "format_message"):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message(), file=sys.stderr)
        else:
            say(_one_line(error))
        return 2


def _one_line(error: Any) -> str:
    from hpcgen.base.errors import printable
    from hpcgen.cli.unknown import advice

    text = " ".join(error.format_message().split()).rstrip(".")
    option = getattr(error, "option_name", None)
    context = getattr(error, "ctx", None)
    if option and context and type(error).__name__ == "NoSuchOption":
        known = [name for parameter in context.command.params for name in parameter.opts + parameter.secondary_opts]
        text = f"unknown option '{option}'{advice(option, known, context.command.name)}"
    return printable(text)
