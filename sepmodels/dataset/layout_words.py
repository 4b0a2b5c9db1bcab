"""What each layout of a dataset should look like, in words."""

from sepmodels.dataset.track import STEM_SUFFIX
from sepmodels.marks import words_only
from sepmodels.settings import DatasetSettings

_EXPECTED = {
    "demo": f"train/*{STEM_SUFFIX} and test/*{STEM_SUFFIX}",
    "stems": f"train/*{STEM_SUFFIX} and test/*{STEM_SUFFIX}",
    "wav": "train/<track>/ and test/<track>/ with mixture.wav, drums.wav, bass.wav, other.wav and vocals.wav",
    "folder": "a folder per track with vocals.wav (or .flac, .mp3...) and other stems, or such in train and test",
}


@words_only
def expected(settings: DatasetSettings) -> str:
    """What a dataset's folder was expected to have."""
    if settings.voice_channel != "none":
        return "sound files with the voice on one channel and the accompaniment on the other, or such in train and test"
    return _EXPECTED[settings.layout]
