"""The parts of a pack: what each is called, and the tables that a check makes anew from others."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from sepmodels.dataset.tracks import used_names
from sepmodels.errors import UserError
from sepmodels.files import hash_texts
from sepmodels.packing.container import Pack
from sepmodels.packing.facts import FACTS, Facts, read_facts
from sepmodels.results.table import COLUMNS

SCORES, MUSEVAL, RESULTS, CLAIMS, REPORT = "scores", "museval", "results", "claims", "report"
MODELS, WEIGHTS, ESTIMATES = "models", "weights", "estimates"
TRACKS = "dataset/tracks.parquet"
TRAININGS, SEPARATIONS, CURVES = "trainings.parquet", "separations.parquet", "curves.parquet"
FIGURES = "figures.parquet"  # what is known of each system beside its scores; the index is the column "variant"
VERSIONS = "code/versions.json"
EDITS = "code/edits.patch"
TRAINING_EDITS = "code/trainings"  # of the code that trained, where that was edited, a file for each state of it
HASHES = "hashes.json"
SOURCES = "sources.json"  # of packs that were joined: the name of each file, by the pack's hash
TABLES = ("results", "comparisons", "control", "by_seed")  # of the results
FEW_TRACKS = 2  # of which estimates are packed, scored and made again
CRATE, CITATION = "ro-crate-metadata.json", "CITATION.cff"


def training_edits_name(patch: str) -> str:
    """The part that holds the edits of the code that trained, one for all trainings that the same edits made."""
    return f"{TRAINING_EDITS}/{hash_texts([patch])[:12]}.patch"


def shortest_test_tracks(tracks: pd.DataFrame) -> list[str]:
    """The names of the few test tracks that are soonest done.

    tracks: of :func:`sepmodels.dataset.tracks.describe_tracks`.
    """
    test = tracks[tracks.name.isin(used_names(tracks, "test"))].sort_values(["duration_seconds", "name"])
    names: list[str] = test.name.tolist()
    return names[:FEW_TRACKS]


@dataclass(frozen=True)
class Packed:
    """A pack with its tables, each read when it is first asked for."""

    pack: Pack

    @cached_property
    def facts(self) -> Facts:
        """What it says of the benchmark as a whole."""
        return read_facts(self.pack.json(FACTS), self.pack.file)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The scores of every window, of all systems in their order."""
        tables = [self._scores_of(one.name) for one in self.facts.scored]
        table = pd.concat(tables, ignore_index=True)
        return table.astype({"seed": "int64", "window": "Int64", "value": "float64"})

    def _scores_of(self, system: str) -> pd.DataFrame:
        """A system's scores; raises UserError for another system's, and for a track whose name is no file's."""
        name = f"{SCORES}/{system}.parquet"
        table = self.pack.table(name)
        lacking = [column for column in COLUMNS if column not in table]
        if lacking or set(table.variant) != {system}:
            raise UserError(f"{self.pack.file} has a {name} that has no scores of {system} as sepbench writes them.")
        odd = [track for track in table.track.unique() if not isinstance(track, str) or Path(track).name != track]
        if odd:
            raise UserError(f"{self.pack.file} has a {name} with the track {odd[0]!r}, which is no file's name.")
        return table[list(COLUMNS)]

    @cached_property
    def trainings(self) -> pd.DataFrame:
        """A row for each training: what came of it, and the terms that it was made on."""
        return self.pack.table(TRAININGS)

    @cached_property
    def separations(self) -> pd.DataFrame:
        """A row for each separation of a test track: what it took."""
        return self.pack.table(SEPARATIONS)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The curves of each training."""
        return self.pack.table(CURVES)

    @cached_property
    def figures(self) -> pd.DataFrame:
        """What is known of each system beside its scores."""
        return self.pack.table(FIGURES).set_index("variant").rename_axis(None)

    def result(self, name: str) -> pd.DataFrame:
        """A table of the results."""
        return self.pack.table(f"{RESULTS}/{name}.parquet")

    @cached_property
    def claims(self) -> pd.DataFrame:
        """The claims with their verdicts."""
        return self.pack.table(f"{CLAIMS}/claims.parquet")
