"""`hpcgen help`: prints the same text as the --help of a command."""

from __future__ import annotations

from typing import Any, List

from hpcgen.base.errors import RequestError, among
from hpcgen.cli import complete, options


class Help(options.RequestCommand):
    """A command that prints the help of another command."""

    def invoke(self, ctx: Any) -> None:
        at = ctx.parent
        for word in ctx.params["words"]:
            known = at.command.list_commands(at) if hasattr(at.command, "list_commands") else []
            if word not in known:
                raise RequestError(f"help: {at.command_path} has no command '{word}'{among(word, known)}")
            at = at.command.get_command(at, word).make_context(word, [], parent=at, resilient_parsing=True)
        print(at.get_help())


def _commands(ctx: Any, args: List[str], incomplete: str) -> List[str]:
    return complete.starting(incomplete, ctx.parent.command.list_commands(ctx.parent))


COMMAND = Help(
    "help", params=[options.own("words", str, None, nargs=-1, metavar="[COMMAND]...", show_default=False,
                                help="the command; without it, help lists all commands", autocompletion=_commands)],
    help="Print the help of a command.", epilog="\b\nExamples:\n  hpcgen help slurm\n  hpcgen help sites show",
    rich_markup_mode=None,
)  # fmt: skip
