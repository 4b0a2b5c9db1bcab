"""Sound in files and arrays, and what all code takes for granted of a track."""

from collections.abc import Iterable

SAMPLE_RATE_HZ = 44_100
# The order of a track's streams. Where another target than the vocals is separated, the stem cache has it in the place
# of the vocals, and these in its own (sepmodels.dataset.target): whatever learns, separates or scores finds it there.
STREAMS = ("mixture", "drums", "bass", "other", "vocals")
TARGET_STREAM = 4
FULL_SCALE = 32_768  # of the int16 samples in the stem cache
TARGETS = ("vocals", "accompaniment")
REST = TARGETS[1]  # the name of all but the target, whichever that is


def targets_of(target: str) -> tuple[str, str]:
    """What is scored where ``target`` is separated: that, and all else of the mixture."""
    return target, REST


def target_of(targets: Iterable[str]) -> str:
    """What was separated, where these were scored: the vocals, unless nothing but another target was.

    >>> target_of(["accompaniment", "drums"]), target_of([])
    ('drums', 'vocals')
    """
    others = dict.fromkeys(one for one in targets if one != REST)
    return TARGETS[0] if TARGETS[0] in others else next(iter(others), TARGETS[0])
