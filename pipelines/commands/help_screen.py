"""The help of ``sepbench``: one screen with every command, and examples below each command's own help."""

from itertools import groupby
from typing import Any

import typer
from rich.table import Table
from typer.core import TyperArgument, TyperCommand, TyperGroup

from pipelines.terminal import Terminal


def examples(*lines: tuple[str, str]) -> str:
    """The end of a command's help, as Markdown.

    lines: a command, and what it does.
    """
    return "\n\n".join(["Examples:", *(f"- `{command}`  \n  {purpose}" for command, purpose in lines)])


class Command(TyperCommand):
    """A command whose help names values by one word in capitals, and none where a flag takes none or a name says it.

    Typer's own words for types, such as <bool> and <list[str]>, are left out.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options and arguments, ``--help`` too, as they are shown."""
        params = super().get_params(ctx)
        for param in params:
            if isinstance(param, TyperArgument):
                param.display_type_rich = _no_type  # type: ignore[method-assign]
            elif getattr(param, "is_flag", False):
                param.metavar = ""
        return params


def _no_type(ctx: Any) -> None:
    """Nothing in place of a type."""


class Commands(typer.Typer):
    """Collects commands of that class."""

    def command(self, *words: Any, **settings: Any) -> Any:
        """As Typer has it."""
        return super().command(*words, **{"cls": Command, **settings})


class HelpScreen(TyperGroup):
    """Lists the commands by group, a line each: Typer's own frames would take two screens of 80 x 24.

    Commands that share what they say in short share a line.
    """

    def format_help(self, ctx: typer.Context, formatter) -> None:
        """Write the screen into Click's formatter, in colour where standard output is a terminal."""
        console = Terminal(highlight=False)
        with console.capture() as screen:
            console.print("[bold]Usage: sepbench COMMAND \\[OPTIONS][/]")
            console.print(self.help)
            console.print(self._commands(ctx))
            console.print(
                "Examples: [cyan]sepbench COMMAND --help[/]. Also: [cyan]--version[/], [cyan]--install-completion[/]"
            )
        formatter.write(screen.get())

    def _commands(self, ctx: typer.Context) -> Table:
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(style="bold")
        table.add_column(style="bold cyan")
        commands = [command for name in self.list_commands(ctx) if not (command := self.get_command(ctx, name)).hidden]
        for group, members in groupby(commands, key=lambda command: command.rich_help_panel):
            for place, (said, alike) in enumerate(groupby(members, key=lambda command: command.short_help)):
                table.add_row("" if place else group, ", ".join(command.name for command in alike), said)
        return table
