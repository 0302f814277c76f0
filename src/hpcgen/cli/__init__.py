"""The command line. Each command is built, and its modules are imported, only when the user runs it."""

from __future__ import annotations

import gc
import io
import os
import re
import sys
from typing import Any, Callable, List, Optional

# Start-up makes many objects and no garbage. Collecting garbage during the imports takes 5 % of the start-up time.
gc.disable()

import typer  # noqa: E402
from typer.core import TyperGroup  # noqa: E402


class Group(TyperGroup):
    """A command with subcommands. For an unknown subcommand, it raises RequestError with the most similar name."""

    def resolve_command(self, ctx: Any, args: List[str]) -> Any:
        from hpcgen.base.errors import RequestError, among

        if args and not args[0].startswith("-") and args[0] not in (known := self.list_commands(ctx)):
            raise RequestError(f"unknown command '{args[0]}'{among(args[0], known)}")
        return super().resolve_command(ctx, args)


class Commands(Group):
    """The commands in `hpcgen.cli.commands` and one command for each scheduler. Each is built on demand."""

    def list_commands(self, ctx: Any) -> List[str]:
        from hpcgen.cli import commands

        return list(commands.table())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from hpcgen.cli import commands

        made = commands.table().get(cmd_name)
        return built(cmd_name, made) if made else None


def built(name: str, make: Callable[[], Any]) -> Any:
    """Build a command from its entry in `commands.table`: a command, or a Typer with subcommands."""
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


EXAMPLES = """\b
Examples:
  hpcgen sites                                       list the machines
  hpcgen slurm --site mahuika --time 2h prog.py      print a script
  hpcgen submit --site mahuika --time 2h prog.py     write a script and submit it
  hpcgen run --workers 4 prog.py                     run a script on this machine
  hpcgen help slurm                                  all options of a command"""


@app.callback(epilog=EXAMPLES)
def root(
    version: bool = typer.Option(False, "--version", "-V", callback=_version, is_eager=True, help="print the version"),
) -> None:
    """Write batch scripts for parallel Python, from documented facts about each machine."""


def main(args: Optional[List[str]] = None) -> None:
    """Run the command and exit: 0 done, 1 the work failed, 2 the request is wrong."""
    try:
        sys.exit(status(args))
    finally:
        # Skip the garbage collection at exit: it takes 10 % of the start-up time, and the process ends anyway.
        gc.freeze()


def status(args: Optional[List[str]] = None) -> int:
    """Run the command and return its exit status. Print each problem as one line on stderr."""
    from hpcgen.base.errors import HpcgenError
    from hpcgen.cli.messages import error as wrong
    from hpcgen.cli.messages import hush

    hush(False)
    _join_words()
    if sys.stdout is None:
        wrong("stdout is closed: hpcgen cannot print its output")
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Escape characters that the terminal's encoding lacks, and bytes in file names that are not valid text.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = int(app(args=args, standalone_mode=False, prog_name="hpcgen") or 0)
        sys.stdout.flush()
        return code
    except HpcgenError as error:
        wrong(*error.problems)
        return error.status
    except OSError as error:
        # The reader of the output has exited, or the disk is full. Without stdout, Python does not report it again at exit.
        sys.stdout = None
        if not isinstance(error, BrokenPipeError):
            wrong(f"{error.filename or 'stdout'}: {error.strerror}")
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        # Errors of click. Some versions of typer contain their own copy of click, so its class cannot be imported by name.
        if not hasattr(error, "format_message"):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message(), file=sys.stderr)
        else:
            wrong(_one_line(error))
        return 2


def _join_words() -> None:
    """Remove the ``=`` from the words to complete: bash splits ``--site=ma`` into ``--site``, ``=`` and ``ma``."""
    words = os.environ.get("COMP_WORDS", "")
    if "_HPCGEN_COMPLETE" not in os.environ or " =" not in words:
        return
    joined, number = re.subn(r"( --[\w-]+) =(?= )", r"\1", words)
    at = int(os.environ.get("COMP_CWORD", "0"))
    os.environ.update(COMP_WORDS=re.sub(r"( --[\w-]+) =$", r"\1", joined), COMP_CWORD=str(at - number))


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
