"""What a report is made from."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sepmodels.audio import targets_of
from sepmodels.report.how_made import Origin
from sepmodels.results.against import Against
from sepmodels.results.per_track import track_scores
from sepmodels.settings import Profile

# (system, track) -> the track's stems, int16 (5, 2, sample), and the system's estimates, (target, 2, sample)
Sounds: TypeAlias = Callable[[str, str], tuple[NDArray[np.int16], NDArray[np.floating]]]

# Told apart by people who see colours differently, and clear on white as on black.
COLOURS = ("#2f7ed8", "#d9541e", "#1d9a6c", "#a463c8", "#b8860b", "#1695a3", "#d1477a", "#8a7a3c")
GREY = "#7d8590"  # of what was not trained here


@dataclass(frozen=True)
class Material:
    """Everything that the report shows.

    summary, comparisons, by_seed: of :class:`sepmodels.results.results.Results`. said: its sentences by variant. notes:
        its sentences on the table as a whole.
    claims: of :func:`sepmodels.results.claims.judging.judge`.
    scores: variant, seed, track, target, metric, window, value. histories: variant, seed, step, name, value.
    trainings: the fields of :class:`sepmodels.training.train.TrainingReport`, a row per variant and seed.
    separations: variant, seed, track, device, seconds, processor_seconds, audio_seconds.
    tracks: of :func:`sepmodels.dataset.tracks.describe_tracks`.
    before: SDR by system and target in the last table that was another one.
    silent: (system, track) of the estimates that are not there.
    baseline: the variant that the others are compared with. others: what the table says against each other system that
        can be chosen as the baseline; shared_notes: the notes that are then the same.
    summaries: what each system is.
    estimate_folders: by variant, the folder of its estimates relative to the page, a folder per track in it.
    test_set: the test set that the page is of, where that is not the profile's own. pages: by the name of each test set
        the address of its page, relative to this one; none where there is only one. across: all sets side by side
        (:func:`sepmodels.results.across.side_by_side`), and claims_elsewhere: the claims judged on each other set, by
        its name; both for the page of the profile's own alone.
    measured: what measures beside BSSEval say (:func:`sepmodels.results.measured.summed_up`); None without any.
    command: what makes it all again. commit: of the code that made the report; ``edited`` where files differ,
        ``edits`` the patch that makes the commit the code that it was, as far as it can be kept.
    """

    profile: Profile
    summary: pd.DataFrame
    comparisons: pd.DataFrame
    by_seed: pd.DataFrame
    said: Mapping[str, str]
    notes: Sequence[str]
    scenario: str
    missing: Sequence[str]
    claims: pd.DataFrame
    scores: pd.DataFrame
    histories: pd.DataFrame
    trainings: pd.DataFrame
    separations: pd.DataFrame
    tracks: pd.DataFrame
    baseline: str
    sounds: Sounds
    others: Mapping[str, Against] = field(default_factory=dict)
    shared_notes: Sequence[str] = ()
    before: Mapping[tuple[str, str], float] = field(default_factory=dict)
    silent: Collection[tuple[str, str]] = ()
    summaries: Mapping[str, str] = field(default_factory=dict)
    estimate_folders: Mapping[str, str] = field(default_factory=dict)
    origins: Sequence[Origin] = ()
    test_set: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)
    across: pd.DataFrame | None = None
    claims_elsewhere: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    measured: pd.DataFrame | None = None
    command: str = ""
    commit: str = ""
    edited: bool = False
    edits: str = ""

    @property
    def targets(self) -> tuple[str, str]:
        """What was separated, and the rest."""
        return targets_of(self.profile.target)

    @property
    def dataset(self) -> str:
        """What the test set is called."""
        return self.test_set or self.profile.name

    @property
    def systems(self) -> list[str]:
        """All systems, in the table's order."""
        return list(dict.fromkeys(self.summary.variant))

    @property
    def titles(self) -> dict[str, str]:
        """What each system is called."""
        return dict(zip(self.summary.variant, self.summary.title, strict=True))

    @property
    def trained(self) -> list[str]:
        """The systems that were trained here."""
        return list(dict.fromkeys(self.summary.variant[self.summary.kind == "trained"]))

    @property
    def compared(self) -> list[str]:
        """The systems that are compared with the baseline, on the tracks that both are scored on."""
        return [name for name in self.systems if name in set(self.comparisons.variant)]

    @property
    def audible(self) -> list[str]:
        """The systems with estimates of their own, trained ones first; a floor is the mixture itself."""
        others = self.summary.variant[~self.summary.place.isin(["floor", "elsewhere"])]
        return list(dict.fromkeys([*self.trained, *others]))

    @property
    def ranked(self) -> list[str]:
        """The audible systems that are neither floor nor ceiling."""
        bounds = set(self.summary.variant[self.summary.place == "ceiling"])
        return [name for name in self.audible if name not in bounds]

    @property
    def colours(self) -> dict[str, str]:
        """A colour for each system."""
        colours = dict.fromkeys(self.systems, GREY)
        shown = dict.fromkeys([*self.trained, *self.compared])
        return colours | {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(shown)}

    def against(self, baseline: str) -> "Material":
        """The same with another baseline."""
        if baseline == self.baseline:
            return self
        found = self.others[baseline]
        return replace(
            self,
            baseline=baseline,
            summary=self.summary.assign(unequal=self.summary.variant.map(found.unequal)),
            comparisons=found.comparisons,
            said=found.sentences,
            notes=(*found.notes, *self.shared_notes),
        )

    def per_track(self) -> pd.DataFrame:
        """Columns variant, track, target, metric, value: the median over windows, its mean over seeds."""
        table = track_scores(self.scores)
        keys = ["variant", "track", "target", "metric"]
        means: pd.DataFrame = table.groupby(keys, sort=False).value.mean().reset_index()
        return means
