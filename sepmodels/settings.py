"""What decides a result, and what only decides how fast it comes.

Every field bears on the result, and so on whether an asset is stale, unless it is declared with
:func:`~sepmodels.marks.speed_only`, or with :func:`~sepmodels.marks.neutral` and has the value that changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from sepmodels.marks import neutral, speed_only

DatasetLayout = Literal["demo", "stems", "wav", "folder"]
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

    layout: ``demo`` (made here), ``stems`` (MUSDB18's five-stream files), ``wav`` (MUSDB18-HQ's folders of
        files), ``folder`` (a folder per track, ``vocals`` and any other stems).
    folder: its root; None means the profile's own folder under the data folder. Only the content of what is
        there counts, not the place.
    archive: of :data:`sepmodels.dataset.public.archives.ARCHIVES`, fetched where no folder is named and the profile's
        own has nothing.
    validation_share: the share of the training tracks held out where the data has no list of its own.
    test_share: the share of all tracks held out for the scores, in the ``folder`` layout without a test folder.
    split_seed: decides those draws.
    vocals: names of the files of a track that are the voice, ``*`` for anything; none: those with a word for it
        (:mod:`sepmodels.dataset.roles`).
    left_out: names of the files that do not count, in the same way.
    """

    layout: DatasetLayout
    folder: str | None = speed_only(None)
    archive: str | None = speed_only(None)
    validation_share: float = 0.15
    test_share: float = 0.25
    split_seed: int = 42
    vocals: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    workers: int = speed_only(0)


@dataclass(frozen=True)
class TrainingSettings:
    """Training as Open-Unmix does it (its ``scripts/train.py``, 1.3.0), and the budget.

    An epoch is ``chunks_per_track`` chunks for each training track. Training ends after ``epochs``, after
    ``steps`` optimiser steps if given, after ``minutes`` if given (which no two machines spend alike), or when the
    validation loss has not improved for ``patience`` epochs.

    plateau_factor, plateau_patience: the learning rate is multiplied by the factor when the validation loss has not
        improved for so many epochs.
    gradient_clip: largest norm of the gradient. ema_decay: of the averaged weights, 0 for none.
    precision: of the model; "auto" is float32 on a CPU and half precision on a GPU. What it stands for counts, not the
        word, so that what was made on the other kind of device is stale here.
    remix: each stem from a track of its own.
    threads: of the CPU for each process of a training, 0 for all there are. With few, several variants train side by
        side, which on short batches makes far more of the processors. It bears on the result by rounding.
    processes: how many share each batch, a GPU each (or the CPU's cores). Dropout draws differ from one process's.
    memory_budget_gb: of each GPU; on a CPU of each process, without libraries and mapped files.
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


@dataclass(frozen=True)
class SeparationSettings:
    """How a track is cut for inference.

    segment_seconds, overlap_seconds: the span that the model sees at once, and what neighbouring spans share,
        cross-faded. They change the estimate slightly, so they count.
    batch: spans at once; 0 is two on a CPU, and eight on a GPU, which wants more at once to be busy.
    """

    segment_seconds: float = 20.0
    overlap_seconds: float = 2.0
    batch: int = speed_only(0)


@dataclass(frozen=True)
class ReportSettings:
    """What the report holds. Only the report depends on it.

    tracks: how many test tracks can be listened to, 0 for none.
    excerpt_seconds: of each. bitrate_kbps: of their MP3, from 64 to 320.
    """

    tracks: int = 5
    excerpt_seconds: float = 10.0
    bitrate_kbps: int = 128


@dataclass(frozen=True)
class Profile:
    """One benchmark: a dataset, a budget, seeds and where it runs.

    extra_variants: variants on request (:data:`sepmodels.systems.variants.ON_REQUEST`) that it trains beside all
        others.
    scoring_workers: how many tracks are scored at once, each in a process of its own; 0 for what suits the machine.
    """

    name: str
    summary: str
    dataset: DatasetSettings
    training: TrainingSettings = TrainingSettings()
    separation: SeparationSettings = SeparationSettings()
    report: ReportSettings = ReportSettings()
    seeds: tuple[int, ...] = (42,)
    extra_variants: tuple[str, ...] = neutral(())
    sample_rate_hz: int = 44_100
    device: str = speed_only("auto")
    scorer: Literal["fast", "museval"] = speed_only("fast")
    scoring_workers: int = speed_only(0)
