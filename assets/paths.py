"""Where every product of a profile lies."""

import os
from dataclasses import dataclass
from pathlib import Path

from sepmodels.errors import UserError
from sepmodels.marks import neutral
from sepmodels.settings import changed

PROJECT = Path(__file__).resolve().parents[1]  # the folder that the packages lie in
DATA_VARIABLE = "SEPBENCH_DATA"


def is_checkout(folder: Path = PROJECT) -> bool:
    """Whether a folder is a checkout of this project: its pyproject.toml lies there.

    Of the folder with the packages, this alone tells a checkout from an installed package. A checkout keeps its
    products in itself, and works with its own files; an installed package works wherever the person stands.
    """
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return 'name = "sepbench"' in text.splitlines()  # a line, for a file with a merge conflict is no TOML


def whole_path(text: str | Path) -> Path:
    """The absolute path that a person means: from the working directory on, ``~`` as a shell reads it.

    Raises :class:`UserError` for the home of a user that is not there.
    """
    try:
        return Path(text).expanduser().resolve()
    except RuntimeError:
        raise UserError(
            f"There is no user with the home folder {str(text).split('/')[0]}: name another folder."
        ) from None


def folder_named_by(variable: str) -> Path | None:
    """The folder that an environment variable names; None where it is unset or empty.

    The variable holds the whole path afterwards: processes that are started from here work in other folders.
    """
    if not (text := os.environ.get(variable, "").strip()):
        return None
    folder = whole_path(text)
    os.environ[variable] = str(folder)
    return folder


def data_folder() -> Path:
    """The folder of all products: ``SEPBENCH_DATA``; else ``data`` in the checkout, or where the person stands."""
    return folder_named_by(DATA_VARIABLE) or ((PROJECT if is_checkout() else Path.cwd()) / "data").resolve()


@dataclass(frozen=True)
class Paths:
    """The products of one profile, below the data folder.

    target: what is separated, by which files of estimates are called.
    """

    data: Path
    profile: str
    target: str = neutral("vocals")

    @property
    def root(self) -> Path:
        return self.data / self.profile

    @property
    def settings_file(self) -> Path:
        """What a person has changed of the profile, for every command, page and job."""
        return self.root / "settings.toml"

    @property
    def dataset(self) -> Path:
        """Where the dataset is looked for unless a setting names another folder."""
        return self.root / "dataset"

    @property
    def command_lock(self) -> Path:
        """The lock of the command that makes products of the profile."""
        return self.data / "locks" / f"{self.profile}.held"

    @property
    def licences(self) -> Path:
        """Which archives' licences have been accepted."""
        return self.data / "licences.json"

    @property
    def manifest(self) -> Path:
        return self.root / "dataset.parquet"

    @property
    def tracks(self) -> Path:
        return self.root / "tracks.parquet"

    @property
    def packs(self) -> Path:
        """The packs that were kept, by the commit that made them."""
        return self.root / "packs"

    def stems(self, split: str) -> Path:
        return self.root / "stems" / split

    @property
    def statistics(self) -> Path:
        return self.root / "statistics.parquet"

    def checkpoint(self, variant: str, seed: int) -> Path:
        return self.root / "checkpoints" / variant / f"seed_{seed}"

    def model(self, variant: str, seed: int) -> Path:
        return self.checkpoint(variant, seed) / "model.safetensors"

    def history(self, variant: str, seed: int) -> Path:
        return self.checkpoint(variant, seed) / "history.parquet"

    def training_figures(self, variant: str) -> Path:
        return self.root / "checkpoints" / variant / "figures.parquet"

    def estimates(self, variant: str, seed: int) -> Path:
        return self.root / "estimates" / variant / f"seed_{seed}"

    def estimate(self, variant: str, seed: int, track: str) -> Path:
        return (
            self.estimates(variant, seed) / track / (f"{self.target}.wav" if changed(self, "target") else "vocals.wav")
        )

    def estimate_picture(self, variant: str) -> Path:
        return self.root / "estimates" / variant / "estimate.jpg"

    def separation_figures(self, variant: str) -> Path:
        return self.root / "estimates" / variant / "figures.parquet"

    def findings(self, system: str) -> Path:
        """Sentences on what is odd about a system's estimates."""
        return self.root / "estimates" / system / "findings.json"

    def score_parts(self, variant: str) -> Path:
        return self.root / "scores" / variant

    def scores(self, variant: str) -> Path:
        return self.root / "scores" / f"{variant}.parquet"

    def measure_parts(self, system: str) -> Path:
        return self.root / "measures" / system

    def measured(self, system: str) -> Path:
        """What measures beside BSSEval say of the system."""
        return self.root / "measures" / f"{system}.parquet"

    @property
    def costs(self) -> Path:
        """What each system costs to separate with, as it was measured: a JSON file each."""
        return self.root / "cost"

    def cost(self, system: str) -> Path:
        return self.costs / f"{system}.json"

    @property
    def museval_files(self) -> Path:
        """The scores in museval's own format: a folder per system."""
        return self.root / "scores" / "museval"

    @property
    def systems(self) -> Path:
        """The systems that a person has added: a TOML file each."""
        return self.root / "systems"

    @property
    def imported(self) -> Path:
        """Where museval files of other systems lay before they were added: nothing reads them any more."""
        return self.root / "imported"

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def claims(self) -> Path:
        return self.root / "claims"

    @property
    def report(self) -> Path:
        return self.root / "report"

    def begun(self, step: tuple[str, ...]) -> Path:
        """Says which run last began to make the step's product."""
        return self.root / "begun" / "-".join(step)

    @property
    def going(self) -> Path:
        """Files that say how far the steps are that are being made right now."""
        return self.root / "going"
