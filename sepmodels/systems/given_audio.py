"""Systems whose estimates a person has as audio files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.io import read_audio
from sepmodels.errors import UserError
from sepmodels.marks import no_part_of_a_result
from sepmodels.systems.added import PLACE_ONLY, Added, Heard, Separate, Tracks, beside, beside_in_words
from sepmodels.systems.given_files import matched_files, require_files

_FIT_SECONDS = 0.5  # longer differences are no padding of a codec


@dataclass(frozen=True, kw_only=True)
class GivenAudio(Added):
    """A system of which there are estimates as audio files.

    estimates: their folder. Those of the target alone count: the accompaniment is the mixture minus these, as it is
        ours.
    """

    estimates: Path = field(metadata=PLACE_ONLY)

    kind = "given audio"
    says = "Its estimates were given as audio; the accompaniment is the mixture minus these."
    option = "estimates"
    may_lack_tracks = True

    @property
    def files(self) -> Path:
        """The estimates."""
        return self.estimates

    @no_part_of_a_result("which files are read: their content is hashed")
    def on(self, test_set: str) -> "GivenAudio | None":
        """The estimates of another test set's tracks, in a folder beside that of the own ones."""
        folder = beside(self.estimates, test_set)
        return replace(self, estimates=folder) if folder.is_dir() else None

    @no_part_of_a_result("a sentence says it, and nothing reads it")
    def given_for(self, test_set: str) -> str:
        """In a folder beside that for the own set."""
        return beside_in_words(self.estimates, test_set)

    def check(self) -> None:
        """Raise UserError where there are none."""
        require_files(self.estimates, self.target)

    def match(self, tracks: Sequence[str]) -> list[str]:
        """How many of the tracks have an estimate, and by what name."""
        files, said = matched_files(self.estimates, tracks, self.target)
        return [f"Found {self.target} of {len(files)} of the {len(tracks)} test tracks.", *said]

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:
        """What reads a track's file."""
        files, said = matched_files(self.estimates, tracks.names, self.target)
        for sentence in said:
            tracks.say(sentence)

        def read(track: str, mixture: np.ndarray) -> Heard:
            if track not in files:
                raise UserError(f"{self.estimates} has no estimate of it.")
            return fitted(files[track], mixture)

        yield read


def fitted(file: Path, mixture: np.ndarray) -> Heard:
    """A file's sound as an estimate of the mixture's length, rate and channels, with what was done for that.

    Raises UserError for what cannot be read, for more than two channels, and for another length by more than half a
    second.
    """
    waveform, rate_hz = read_audio(file)
    return fit(waveform, rate_hz, mixture, file)


def fit(
    waveform: np.ndarray, rate_hz: int, like: np.ndarray, source: Path | str, like_hz: int = SAMPLE_RATE_HZ
) -> Heard:
    """The same of an array ``(channel, sample)`` that came from ``source``, made as long as another one."""
    from sepmodels.audio.resampling import resample

    said = []
    if len(waveform) == 1 < len(like):
        waveform = np.repeat(waveform, len(like), axis=0)
        said.append("is mono, which fills both channels")
    if len(waveform) != len(like):
        raise UserError(f"{source} has {len(waveform)} channels: expected {len(like)}, or one.")
    if rate_hz != like_hz:
        waveform = resample(waveform, rate_hz, like_hz)
        said.append(f"has {rate_hz} Hz and was resampled to {like_hz}, which costs what it had above")
    missing = like.shape[1] - waveform.shape[1]
    if abs(missing) > _FIT_SECONDS * like_hz:
        raise UserError(
            f"{source} is {waveform.shape[1] / like_hz:.2f} s long where its track has {like.shape[1] / like_hz:.2f} "
            "s: expected the whole track, from its first sample on."
        )
    if missing:
        more = f"{missing} samples too few, filled up with silence" if missing > 0 else f"{-missing} too many, cut"
        said.append(f"has {more} at the end")
        waveform = np.pad(waveform, ((0, 0), (0, max(missing, 0))))[:, : like.shape[1]]
    file = source if isinstance(source, Path) and not said else None
    return Heard(waveform.astype(np.float32, copy=False), tuple(said), file)
