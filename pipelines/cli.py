"""The command line: ``sepbench``."""

import io
import sys
import traceback
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.commands import benchmark, look, publish, set_up, songs, sweeping, systems
from pipelines.commands.help_screen import HelpScreen
from pipelines.own_code import foreign_code
from pipelines.terminal import Terminal, output_is_lost
from sepmodels.errors import UserError

app = typer.Typer(
    cls=HelpScreen,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="A benchmark of singing-voice separation, from the songs to one table.",
)
for group in (benchmark, sweeping, systems, look, publish, songs, set_up):
    app.add_typer(group.app)


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        Terminal().print(f"sepbench {version('sepbench')}", highlight=False)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does it all
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print name and version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def main() -> None:
    """Run the command line.

    Exit status: 1 for a standard output that cannot be written to, and where a command says so (`sepbench stale`);
    2 for what a user can mend, after one sentence on standard error; 3 for a fault of the program. Whoever closed a
    pipe knows that, so nothing is said then.
    """
    if sys.stdout is None:
        _complain("Standard output is closed: send it to a file or a terminal.")
        sys.exit(1)
    if isinstance(sys.stdout, io.TextIOWrapper):  # as standard error does: a file's name may be in no encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if note := foreign_code():
            Terminal(stderr=True).print(f"[yellow]sepbench:[/] {escape(note)}", highlight=False, soft_wrap=True)
        app(prog_name="sepbench")
    except UserError as fault:
        _complain(str(fault))
        sys.exit(2)
    except Exception as error:
        if not isinstance(error, OSError) or not output_is_lost():
            traceback.print_exc()
            sys.exit(3)
        if not isinstance(error, BrokenPipeError):
            reason = error.strerror or str(error)
            _complain(f"Standard output cannot be written to ({reason}): make room, or send it to another place.")
        sys.exit(1)


def _complain(sentence: str) -> None:
    Terminal(stderr=True).print(f"[red]sepbench:[/] {escape(sentence)}", highlight=False, soft_wrap=True)
