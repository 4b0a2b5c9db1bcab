"""``sepbench download``: the licence, then the dataset."""

import os

from rich.console import Console
from rich.markup import escape

from assets.making.public_dataset import (
    archive_of,
    fetch_dataset,
    is_licence_accepted,
    is_to_be_fetched,
    require_licence,
)
from assets.paths import Paths
from assets.runtime.events import VARIABLE, Events
from pipelines.running.progress_board import listening
from sepmodels.dataset.public.archives import LICENCE
from sepmodels.settings import Profile


def download_dataset(profile: Profile, paths: Paths, console: Console) -> None:
    """Fetch the profile's dataset and show how far it is; raises :class:`UserError` without its licence accepted."""

    def say(sentence: str) -> None:
        console.print(escape(sentence), highlight=False, soft_wrap=True)

    if archive_of(profile) and not is_licence_accepted(profile, paths):
        say(f"{LICENCE}\n")
    if archive_of(profile) and not is_to_be_fetched(profile, paths):
        say(f"The dataset of {profile.name} is in {profile.dataset.folder or paths.dataset}.")
        return
    require_licence(profile, paths)
    with listening(console, 1) as address:
        os.environ[VARIABLE] = address
        try:
            with Events(("dataset",), say=lambda _: None, going=paths.going) as events:
                fetch_dataset(profile, paths, progress=events.progress, say=say)
        finally:
            del os.environ[VARIABLE]
    say(f"The dataset of {profile.name} is in {paths.dataset}.")
