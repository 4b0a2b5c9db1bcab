"""The commands that make the benchmark, or say what is to be made: ``sepbench run``, ``stale``, ``accept``..."""

from typing import Annotated

import typer

from assets.paths import Paths
from pipelines.commands.help_screen import Commands, examples
from pipelines.dataset_look import require_dataset
from pipelines.options import (
    AcceptLicenceOption,
    AlsoOption,
    DataOption,
    DatasetOption,
    ExecutorOption,
    ProfileOption,
    SetOption,
    use_executor,
    use_options,
)
from pipelines.permissions import require_writable
from pipelines.remembering import remember, say_in_force, take_back
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from sepmodels.settings import Profile

GROUP = "Benchmark"
PLAN_OR_SWEEP = "Plan how many seeds are enough; or search for settings."

app = Commands()
console = Terminal()

OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="SYSTEM",
        help="Make this variant or added system and no other. Write it again for one more. Data, references and table "
        "are made, too.",
    ),
]


OnlyStaleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="SYSTEM", help="As of `sepbench run`: leave the others out. Write it again for more."
    ),
]

WithOption = Annotated[
    list[str] | None,
    typer.Option(
        "--with", metavar="VARIANT", help="Train this variant, too, which the suite lacks. Write it again for one more."
    ),
]


@app.command(
    rich_help_panel=GROUP,
    short_help="Make all that is missing or stale, and print the table.",
    epilog=examples(
        ("sepbench run", "the demo, in some minutes on a CPU"),
        ("sepbench run -p musdb18-7s --set seeds=42,43,44", "three trainings of each variant"),
        ("sepbench run -p musdb18-7s --set suite=modern", "stronger models than the paper's, for hours"),
        ("sepbench run -p folder --dataset ~/stems --only open_unmix", "your own songs, one variant"),
        ("sepbench run -p musdb18-7s --also mir1k=~/MIR-1K", "the same models, scored on other music, too"),
    ),
)
def run(
    profile: ProfileOption = None,
    only: OnlyOption = None,
    besides: WithOption = None,
    dataset: DatasetOption = None,
    also: AlsoOption = None,
    data: DataOption = None,
    scorer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="For this run: fast (this project's scorer) or museval (the same scores, several times slower). "
            "[default: fast]",
        ),
    ] = None,
    accept_licence: AcceptLicenceOption = False,
    settings: SetOption = None,
    executor: ExecutorOption = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Throw away what was made, and make everything again. It asks first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --anew: do not ask.")] = False,
) -> None:
    """Make all that is missing or stale: data, trainings, separations, scores, table and report.

    It keeps what is up to date, so you can type it again at any time. Ctrl-C saves the work, and the next run goes on
    from there. `sepbench stale` says beforehand what will be made.

    What --set, --dataset and --also change holds for all commands and pages until you change it: `sepbench settings`.
    """
    from assets.runtime.gpus import require_device
    from pipelines.graph.selection import select
    from pipelines.running.make_products import RunFailed, make_anew, make_behind, require_consent
    from pipelines.running.runner import require_alone

    asked = [*(settings or ()), *([f"scorer={scorer}"] if scorer else [])]
    chosen, paths = use_options(profile, dataset, data, asked, only or (), besides or (), also or ())
    use_executor(executor, paths)
    require_device(chosen, paths.data)
    keys = select(chosen, paths, only or [])
    require_writable(paths)
    _accept_licence(chosen, paths, accept_licence)
    if not paths.manifest.exists():
        require_dataset(chosen, paths)
    if anew:
        require_consent(chosen, paths, keys, console, sure=yes)
    require_alone(paths)
    before = remember(chosen, paths, console, settings or (), dataset, [*(only or ()), *(besides or ())], also or ())
    make = make_anew if anew else make_behind
    try:
        make(chosen, paths, keys, console)
    except RunFailed as ended:
        take_back(chosen, paths, console, before, ended.failed)
        raise


app.command(
    "refresh",
    hidden=True,
    help="Another name of `run`.",
    epilog=examples(("sepbench refresh", "the same as `sepbench run`")),
)(run)


def _accept_licence(chosen: Profile, paths: Paths, accepted: bool) -> None:
    if accepted:
        from assets.making.public_dataset import accept_licence

        accept_licence(chosen, paths)


@app.command(
    rich_help_panel=GROUP,
    short_help="Fetch a public dataset, or show its licence.",
    epilog=examples(
        ("sepbench download -p musdb18-7s", "show the licence"),
        ("sepbench download -p musdb18-7s --accept-licence", "accept it, and fetch the clips"),
    ),
)
def download(
    profile: ProfileOption = None, data: DataOption = None, accept_licence: AcceptLicenceOption = False
) -> None:
    """Fetch the profile's public dataset into the data folder. Without --accept-licence, show its licence.

    Once you have accepted the licence, `sepbench run` fetches the dataset too. A download that was broken off goes on
    where it stopped.
    """
    from pipelines.downloading import download_dataset

    chosen, paths = use_options(profile, data=data)
    require_writable(paths)
    _accept_licence(chosen, paths, accept_licence)
    download_dataset(chosen, paths, console)


@app.command(
    rich_help_panel=GROUP,
    short_help="Say what is stale, and what made it so.",
    epilog=examples(
        ("sepbench stale -p musdb18-7s", "what would be made, and how long it takes"),
        ("sepbench stale --set training.steps=500", "what that setting would make stale"),
        ("sepbench stale --all", "every product, with every reason"),
    ),
)
def stale(
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    also: AlsoOption = None,
    data: DataOption = None,
    settings: SetOption = None,
    only: OnlyStaleOption = None,
    besides: WithOption = None,
    everything: Annotated[bool, typer.Option("--all", help="List what is up to date too, and every reason.")] = False,
) -> None:
    """Say what is stale, and which function, setting, library or data made it so.

    With --set it says what that setting would make stale, and changes none. The exit status is 0 if everything is up to
    date, and 1 if something is stale.
    """
    from pipelines.looking.standings import show_standings

    chosen, paths = use_options(profile, dataset, data, settings or (), only or (), besides or (), also or ())
    say_in_force(chosen, paths, console)
    if not show_standings(chosen, paths, console, only=only or (), everything=everything):
        raise typer.Exit(1)


@app.command(
    rich_help_panel=GROUP,
    short_help="Keep stale products: the edit changes no number.",
    epilog=examples(
        ("sepbench accept '*/checkpoint' --check", "train the first steps again, and compare them"),
        ("sepbench accept open_unmix --no-check --because 'renamed a function'", "on your word alone"),
    ),
)
def accept(
    products: Annotated[
        list[str],
        typer.Argument(
            metavar="PRODUCT",
            help="A product (open_unmix/checkpoint), a system (open_unmix) or a pattern ('*/checkpoint').",
        ),
    ],
    because: Annotated[str, typer.Option(metavar="TEXT", help="Why today's code would make the same products.")] = "",
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Make a part of each product again, and compare it bit by bit. --no-check needs --because. "
            "[default: check what takes less than a minute]",
        ),
    ] = None,
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    settings: SetOption = None,
) -> None:
    """Keep stale products after an edit that changes no number: record them as made by today's code.

    You can accept changes of code alone; another version of a library needs a check. `sepbench stale`, the table and
    the report say what was accepted, by whom and why, until the product is made again.
    """
    from pipelines.running.accept import accept_products

    chosen, paths = use_options(profile, dataset, data, settings or ())
    require_writable(paths)
    if check is False and not because.strip():
        raise UserError("--no-check needs --because: say why today's code would make the same products.")
    how = {None: "auto", True: "always", False: "never"}[check]
    accept_products(chosen, paths, products, console, because=because, check=how)


@app.command(
    rich_help_panel=GROUP,
    short_help=PLAN_OR_SWEEP,
    epilog=examples(
        ("sepbench plan -p musdb18-7s --difference 0.3", "to find 0.3 dB of SDR"),
        ("sepbench plan --difference 1 --metric SIR --power 0.9", "to find 1 dB of SIR in nine of ten cases"),
    ),
)
def plan(
    difference: Annotated[float, typer.Option(metavar="DB", help="The true difference, in dB.")],
    profile: ProfileOption = None,
    data: DataOption = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="STEM", help="What is separated, or accompaniment. [default: the profile's target]"),
    ] = None,
    metric: Annotated[str, typer.Option(metavar="METRIC", help="SDR, SIR, SAR, ISR, uSDR or SI-SDR.")] = "SDR",
    power: Annotated[float, typer.Option(metavar="SHARE", help="The share of cases in which it is found.")] = 0.8,
) -> None:
    """Say how many seeds and test tracks find a given difference, and about how long that takes here.

    It uses the spread between tracks and between trainings in the profile's own results.
    """
    from pipelines.looking.plan import show_plan

    chosen, paths = use_options(profile, data=data)
    show_plan(
        chosen, paths, console, difference_db=difference, target=target or chosen.target, metric=metric, power=power
    )
