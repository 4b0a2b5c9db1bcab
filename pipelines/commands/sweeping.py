"""The command that searches for better settings of one variant: ``sepbench sweep``."""

from typing import Annotated

import typer

from pipelines.commands.benchmark import GROUP, PLAN_OR_SWEEP
from pipelines.commands.help_screen import Commands, examples
from pipelines.dataset_look import require_dataset
from pipelines.options import DataOption, DatasetOption, ProfileOption, SetOption, use_options
from pipelines.permissions import require_writable
from pipelines.terminal import Terminal

app = Commands()
console = Terminal()


@app.command(
    rich_help_panel=GROUP,
    short_help=PLAN_OR_SWEEP,
    epilog=examples(
        ("sepbench sweep transformer -p musdb18-7s --steps 500", "20 trials of its learning rate"),
        ("sepbench sweep transformer --range learning_rate=1e-4..1e-2:log --range settings.heads=2,4,8", "two ranges"),
        ("sepbench sweep dual_loss --range loss_settings.waveform_weight=0.1..10:log --jobs 2", "two trials at once"),
    ),
)
def sweep(
    variant: Annotated[str, typer.Argument(metavar="VARIANT", help="Whose settings. `sepbench variants` lists them.")],
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            metavar="NAME=VALUES",
            help="What to search: LOW..HIGH, LOW..HIGH:log or VALUE,VALUE. NAME is learning_rate, settings.NAME, "
            "loss_settings.NAME or training.NAME, as in the variant's entry. Write it again for one more. "
            "[default: learning_rate=1e-4..1e-2:log]",
        ),
    ] = None,
    trials: Annotated[int, typer.Option(metavar="NUMBER", help="Trainings in all.")] = 20,
    steps: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Steps of each trial. [default: the profile's]")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Trials at once. [default: as many as there is room for]")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Of the search, and of every trial. [default: the profile's first]"),
    ] = None,
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    settings: SetOption = None,
) -> None:
    """Search for better settings of a variant by their validation SDR. No trial reads a test track.

    The first trial is the entry as it is. Trials that fall behind are stopped early. Ctrl-C saves the work, and the
    same command goes on from there. It ends with the entry to paste into the list of variants.
    """
    from pipelines.songs.tidy_end import tidy_end
    from pipelines.sweeping.study import require_optuna

    require_optuna()
    from assets.runtime.gpus import require_device
    from pipelines.sweeping.preparing import make_data, read_request, with_versions
    from pipelines.sweeping.sweep import sweep as do_sweep

    chosen, paths = use_options(profile, dataset, data, settings or ())
    require_device(chosen, paths.data)
    asked = read_request(chosen, paths, variant, ranges or (), trials=trials, steps=steps, seed=seed, jobs=jobs)
    require_writable(paths)
    if not paths.manifest.exists():
        require_dataset(chosen, paths)
    make_data(asked, paths, console)
    try:
        with tidy_end():
            do_sweep(with_versions(asked, paths), paths, console)
    except KeyboardInterrupt:
        console.print("Stopped: what is done is saved. The same command goes on.")
        raise typer.Exit(130) from None
