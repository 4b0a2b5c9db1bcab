"""The commands that show what was made: ``sepbench ui``, ``table`` and ``claims``."""

from typing import Annotated

import typer

from pipelines.commands.help_screen import examples
from pipelines.options import DataOption, DatasetOption, ProfileOption, SetOption, use_options
from pipelines.permissions import require_writable
from pipelines.terminal import Terminal

GROUP = "Look"

app = typer.Typer()
console = Terminal()


@app.command(
    rich_help_panel=GROUP,
    short_help="Open Dagster (the graph) and MLflow (the runs).",
    epilog=examples(
        ("sepbench ui", "the demo's pages, in your browser"),
        ("sepbench ui -p musdb18 --no-browser --dagster-port 8080", "on a machine without a screen"),
    ),
)
def ui(
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    settings: SetOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on. 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    dagster_port: Annotated[int, typer.Option(help="Dagster's port, or the next free one.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(help="MLflow's port, or the next free one.")] = 5000,
    browser: Annotated[bool, typer.Option(help="Open the pages in a browser.")] = True,
) -> None:
    """Open Dagster (the graph) and MLflow (the runs) side by side. Ctrl-C ends both."""
    from pipelines.ui.servers import open_pages

    chosen, paths = use_options(profile, dataset, data, settings or ())
    require_writable(paths)
    open_pages(
        chosen,
        paths,
        host=host,
        dagster_port=dagster_port,
        mlflow_port=mlflow_port,
        open_browser=browser,
        console=console,
    )


@app.command(
    rich_help_panel=GROUP,
    short_help="Print the table of results.",
    epilog=examples(("sepbench table -p musdb18-7s", "as the last run left it")),
)
def table(profile: ProfileOption = None, data: DataOption = None) -> None:
    """Print a profile's table of results."""
    from pipelines.looking.tables import show_table

    show_table(*use_options(profile, data=data), console)


@app.command(
    rich_help_panel=GROUP,
    short_help="Print each claim with its verdict and the evidence.",
    epilog=examples(("sepbench claims -p musdb18-7s", "supported, refuted or undecided")),
)
def claims(profile: ProfileOption = None, data: DataOption = None) -> None:
    """Print each claim of the list with its verdict (supported, refuted or undecided) and the evidence."""
    from pipelines.looking.claims import show_claims

    show_claims(*use_options(profile, data=data), console)
