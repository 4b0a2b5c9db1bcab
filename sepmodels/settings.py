"""What decides a result, and what only decides how fast it comes.

Every field bears on the result, and so on whether an asset is stale, unless it is declared with
:func:`~sepmodels.marks.speed_only`, or with :func:`~sepmodels.marks.neutral` and has the value that changes nothing.

The docstrings name each field with its meaning, its unit and what 0 and none stand for. People see those lines:
``sepbench profiles -p NAME`` and the file ``settings.toml`` show them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal

from sepmodels.marks import neutral, speed_only

DatasetLayout = Literal["demo", "stems", "wav", "folder"]
EFFECT_NAMES = ("equaliser", "limiter", "mono", "mute", "polarity", "speed")
Precision = Literal["auto", "32", "bf16", "fp16"]


def result_settings(settings: Any) -> dict[str, Any]:
    """The fields of a settings dataclass that bear on the result, by name, nested ones too.

    A field that is as before it existed is left out, so that what was made without it stands.

    >>> "workers" in result_settings(DatasetSettings("demo"))
    False
    """
    chosen = {}
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if entry.metadata.get("speed_only") or _is_as_before(entry.metadata, value):
            continue
        chosen[entry.name] = result_settings(value) if is_dataclass(value) else value
    return chosen


def _is_as_before(metadata: Mapping[str, Any], value: Any) -> bool:
    """Whether it has the value, of the same type, with which all is as before the field existed: 0 is not False."""
    before = metadata.get("as_before", ...)
    return type(value) is type(before) and bool(value == before)


@dataclass(frozen=True)
class DatasetSettings:
    """Where tracks come from.

    layout: how the tracks lie in their folder. demo: made here; stems: MUSDB18's five-stream files; wav: MUSDB18-HQ's
        folders of files; folder: a folder per track with vocals and any other stems.
    folder: where the dataset lies; none: the profile's own folder in the data folder. Only the content of what is
        there counts, not the place.
    archive: the public dataset that is fetched where no folder is named and the profile's own is empty; none: nothing
        is fetched.
    validation_share: the share of the training tracks, from 0 to 1, that chooses the epoch, where the data has no list
        of its own.
    test_share: the share of all tracks, from 0 to 1, that is kept for the scores, in the layout "folder" without a
        test folder.
    split_seed: the seed of those two draws.
    vocals: names of the files of a track that are the voice, with * for anything; none: those with a word for it.
    left_out: names of the files of a track that do not count, written in the same way; none: all count.
    voice_channel: left or right: each file is a track of two-channel karaoke, with the voice on that channel and the
        accompaniment on the other; none: the voice has files of its own.
    mapping: a file in the dataset's folder that says which files are which stems, for the layout "folder"; none:
        stems.toml, if the folder has it.
    use: splits: tracks train, validate and test; else all that count are test tracks, of one split or of all. It is no
        setting itself: a test set beside the profile's own has it (:mod:`sepmodels.dataset.other_test_sets`).
    target: the profile's. It is no setting itself: the profile sets it.
    workers: how many tracks are decoded at once; 0: as many as processors and memory allow.
    """

    layout: DatasetLayout
    folder: str | None = speed_only(None)
    archive: str | None = speed_only(None)
    validation_share: float = 0.15
    test_share: float = 0.25
    split_seed: int = 42
    vocals: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    voice_channel: Literal["none", "left", "right"] = neutral("none")
    mapping: str | None = neutral(None)
    use: Literal["splits", "train", "valid", "test", "all"] = neutral("splits")
    target: Literal["vocals", "drums", "bass", "other"] = neutral("vocals")
    workers: int = speed_only(0)


@dataclass(frozen=True)
class TrainingSettings:
    """Training as Open-Unmix does it (its ``scripts/train.py``, 1.3.0), and the budget.

    An epoch is ``chunks_per_track`` chunks for each training track. Training ends after ``epochs``, after
    ``steps`` optimiser steps if given, after ``minutes`` if given (which no two machines spend alike), or when the
    validation loss has not improved for ``patience`` epochs.

    batch: chunks in each step.
    chunk_seconds: the length of a chunk, in seconds.
    chunks_per_track: chunks of each training track in an epoch.
    epochs: the most epochs of a training. It ends sooner by steps, minutes or patience.
    steps: the most steps of a training; none: no limit.
    minutes: the longest time of a training, in minutes; none: no limit. No two machines do the same in it.
    weight_decay: Adam's weight decay; 0: none.
    plateau_factor: what the learning rate is multiplied by when the validation loss has stopped improving.
    plateau_patience: epochs without improvement before that.
    patience: epochs without improvement after which a training ends.
    warmup_steps: steps in which the learning rate grows to its full value; 0: it is full at once.
    gradient_clip: the largest norm of the gradient; none: no limit.
    ema_decay: the decay, for each step, of the moving average of the weights; 0: no average is taken.
    gain_low: the least factor by which a stem's loudness is changed at random.
    gain_high: the greatest such factor.
    swap_probability: how often the channels of a stem are swapped, from 0 (never) to 1 (always).
    remix: whether the stems of a chunk come from different tracks.
    precision: of the model's numbers. 32: float32; bf16, fp16: half precision; auto: float32 on a CPU and half
        precision on a GPU. What auto stands for counts: what was made on the other kind of device is stale here.
    effects: more augmentation, by names: equaliser (peaks of up to 6 dB), limiter (some chunks), mono (some sources),
        mute (some sources), polarity (half of the sources), speed (up to a tenth faster or slower); none: none of them.
    optimizer: adam; or adamw, whose weight decay does not go through the gradients.
    schedule: of the learning rate after the warm-up. plateau: it falls when the validation loss has stopped improving;
        cosine: along half a cosine, to a hundredth with the last step of the budget; name that by steps, since epochs
        mostly end by patience and minutes end anywhere.
    chosen_by: the epoch that is kept has the least validation loss (loss) or the highest validation SDR (sdr).
    threads: CPU threads of each process of a training; 0: all that there are. With few of them several variants train
        side by side, which is faster where batches are short. It changes results by rounding.
    processes: how many processes share each batch, a GPU each (or the CPU's cores). Dropout draws differ from those of
        one process.
    feeding: where the samples are read from: device, host (memory), disk; auto: the fastest that has room.
    memory_budget_gb: the most memory of each GPU, in GiB; on a CPU of each process, without libraries and mapped files;
        none: no limit.
    compile: whether torch compiles the model first.
    """

    batch: int = 16
    chunk_seconds: float = 6.0
    chunks_per_track: int = 64
    epochs: int = 1000
    steps: int | None = None
    minutes: float | None = None
    weight_decay: float = 1e-5
    plateau_factor: float = 0.3
    plateau_patience: int = 80
    patience: int = 140
    warmup_steps: int = 0
    gradient_clip: float | None = None
    ema_decay: float = 0.0
    gain_low: float = 0.25
    gain_high: float = 1.25
    swap_probability: float = 0.5
    remix: bool = True
    precision: Precision = "auto"
    effects: tuple[str, ...] = neutral(())
    optimizer: Literal["adam", "adamw"] = neutral("adam")
    schedule: Literal["plateau", "cosine"] = neutral("plateau")
    chosen_by: Literal["loss", "sdr"] = neutral("loss")
    threads: int = 0
    processes: int = 1
    feeding: Literal["auto", "device", "host", "disk"] = speed_only("auto")
    memory_budget_gb: float | None = speed_only(None)
    compile: bool = speed_only(False)

    def budget(self) -> str:
        """The budget in words.

        >>> TrainingSettings(batch=4, chunk_seconds=3.0, steps=300).budget()
        'up to 300 steps of 4 chunks of 3 s'
        """
        length = f"{self.epochs} epochs" if self.steps is None else f"{self.steps} steps"
        return f"up to {length} of {self.batch} chunks of {self.chunk_seconds:g} s"


def changed(settings: Any, name: str) -> bool:
    """Whether a setting that came later has another value than the one with which all is as before.

    settings: a dataclass with the field, of settings or of what is made from them.

    Code that only another value needs stands behind it, as ``if changed(settings, "schedule"):`` without an else, or as
    ``one if changed(settings, "optimizer") else the_one_before``: there it counts for what is trained with another
    value, and trains nothing else again (:mod:`assets.staleness.code.neutral`).

    >>> changed(TrainingSettings(), "optimizer"), changed(TrainingSettings(optimizer="adamw"), "optimizer")
    (False, True)
    """
    getattr(settings, name)
    return name in result_settings(settings)


@dataclass(frozen=True)
class SeparationSettings:
    """How a track is cut for inference.

    segment_seconds: the length that the model sees at once, in seconds. It changes the estimate slightly, so it counts.
    overlap_seconds: the length that neighbouring segments share, in seconds, cross-faded; 0: none. It counts, too.
    batch: segments at once; 0: two on a CPU, and eight on a GPU, which wants more at once to be busy.
    """

    segment_seconds: float = 20.0
    overlap_seconds: float = 2.0
    batch: int = speed_only(0)


@dataclass(frozen=True)
class ReportSettings:
    """What the report holds. Only the report depends on it.

    tracks: how many test tracks can be listened to; 0: none.
    excerpt_seconds: the length of each excerpt, in seconds.
    bitrate_kbps: the bit rate of the excerpts' MP3 files, in kbit/s, from 64 to 320.
    lossless: whether the excerpts are FLAC files in place of those.
    """

    tracks: int = 5
    excerpt_seconds: float = 10.0
    bitrate_kbps: int = 128
    lossless: bool = neutral(False)


@dataclass(frozen=True)
class Profile:
    """One benchmark: a dataset, a budget, seeds and where it runs.

    target: what is separated from the rest of each song, which is its accompaniment: vocals, drums, bass or other (all
        else). Each model is of one target. With another one all but the dataset's files is made again, in place of what
        there is: keep a data folder for each.
    seeds: the seeds: each variant is trained once with each of them.
    suite: which variants are trained. paper: those of the paper; modern: stronger models; losses: other losses;
        effects: more augmentation, one effect each; ladder: from Open-Unmix to a band-split RNN, one change a rung;
        all: every one there is. The baseline always is.
    extra_variants: variants that are trained beside those of the suite; none: no more than those.
    extra_systems: classical methods and references that are made beside all others; none: no more than those.
    sample_rate_hz: the sample rate of tracks and estimates, in Hz.
    scoring_rate: the sample rate at which tracks are scored. full: that of all tracks; files: that of a track's own
        files, where it is lower.
    test_sets: other music that the same models are scored on, each as NAME=DIR, or NAME=DIR:voice=right for two-channel
        karaoke; none: the profile's own test split alone.
    statistics_by: what is one sample in tests and intervals. artist: all tracks of an artist, by names such as
        "Artist - Title"; track: each track.
    measures: measures beside BSSEval, for a table of their own (:mod:`sepmodels.scoring.measures`); none: no more.
    device: where models run: cpu, cuda, cuda:1; auto: a GPU if there is one, or else the CPU.
    scorer: fast is this project's own; museval gives the same scores and takes several times as long.
    scoring_workers: how many tracks are scored at once, each in a process of its own; 0: as many as suit the machine.
    changed_settings: names and values of the settings that are not the profile's own. It is no setting itself.
    """

    name: str
    summary: str
    dataset: DatasetSettings
    training: TrainingSettings = TrainingSettings()
    separation: SeparationSettings = SeparationSettings()
    report: ReportSettings = ReportSettings()
    target: Literal["vocals", "drums", "bass", "other"] = neutral("vocals")
    seeds: tuple[int, ...] = (42,)
    suite: Literal["paper", "modern", "losses", "effects", "ladder", "all"] = neutral("paper")
    extra_variants: tuple[str, ...] = neutral(())
    extra_systems: tuple[str, ...] = neutral(())
    sample_rate_hz: int = 44_100
    scoring_rate: Literal["full", "files"] = neutral("full")
    test_sets: tuple[str, ...] = speed_only(())  # each has steps of its own
    statistics_by: Literal["artist", "track"] = neutral("artist", as_before="track")
    measures: tuple[str, ...] = speed_only(())  # have steps of their own
    device: str = speed_only("auto")
    scorer: Literal["fast", "museval"] = speed_only("fast")
    scoring_workers: int = speed_only(0)
    changed_settings: tuple[tuple[str, str], ...] = speed_only(())

    def __post_init__(self) -> None:
        if self.dataset.target != self.target:
            object.__setattr__(self, "dataset", replace(self.dataset, target=self.target))
