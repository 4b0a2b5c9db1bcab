"""Other music: test sets beside a profile's own test split, on which the same models are scored.

A person names one by a text, ``NAME=DIR``, or with more behind colons: ``mir1k=~/MIR-1K:voice=right``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from sepmodels.audio.probing import require_ffmpeg
from sepmodels.audio.sound_files import files_below, is_below_hidden, is_sound_file
from sepmodels.dataset.layouts import find_tracks, listed_tracks
from sepmodels.dataset.mapping import with_mapping
from sepmodels.dataset.track import STEM_SUFFIX, Track
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings, Profile

EXPECTED = "NAME=DIR, or NAME=DIR:voice=right for two-channel karaoke"
WORDS = {"voice": ("left", "right"), "split": ("train", "valid", "test", "all")}  # what may stand behind a colon
_NAME = re.compile("[a-z][a-z0-9_]*")
_BETWEEN = re.compile(r",(?=[^,=/:]*=)")  # the commas between texts, each of which begins with NAME=
_MORE = re.compile(r"(.*):(\w+)=(\w*)", re.DOTALL)
# Names of splits, of kinds of products and parts of keys, and of what lies beside the folders of test sets.
_TAKEN = frozenset(
    {"train", "valid", "test", "own", "all", "audio", "figures", "museval"}
    | {"dataset", "tracks", "stems", "statistics", "checkpoint", "estimates", "scores", "measures"}
    | {"results", "claims", "report", "seeds"}
)


@dataclass(frozen=True)
class TestSet:
    """A test set beside a profile's own.

    name: in asset keys, tables and folders. folder: where its tracks lie, as it was written.
    voice: left or right: the channel of the voice, of two-channel karaoke; empty: found out where that is safe.
    split: which tracks count where there are folders train, valid and test: those of one of them, or all.
    """

    __test__ = False  # no test of pytest's

    name: str
    folder: str
    voice: str = ""
    split: str = "test"

    @property
    def text(self) -> str:
        """What a person writes for it."""
        more = (f":voice={self.voice}" if self.voice else "", f":split={self.split}" if self.split != "test" else "")
        return f"{self.name}={self.folder}{''.join(more)}"


def read_test_set(text: str) -> TestSet:
    """The test set that a text names; raises :class:`UserError` for a text that cannot be one.

    >>> read_test_set("mir1k=/data/MIR-1K:voice=right")
    TestSet(name='mir1k', folder='/data/MIR-1K', voice='right', split='test')
    """
    name, equals, folder = (part.strip() for part in text.partition("="))
    if not equals or not folder:
        raise UserError(f"The test set {text!r} has no folder: write {EXPECTED}.")
    if "," in folder:
        raise UserError(
            f"The folder of the test set {name} cannot have a comma in its name here ({folder}): make a link to it "
            "that has none, and name that."
        )
    if not _NAME.fullmatch(name):
        raise UserError(f"A test set cannot be called {name!r}: use small letters, digits and _ only ({EXPECTED}).")
    if name in _TAKEN:
        raise UserError(f"A test set cannot be called {name!r}, which has a meaning already: choose another name.")
    more: dict[str, str] = {}
    while found := _MORE.fullmatch(folder):
        folder, word, value = found.groups()
        if word not in WORDS:
            raise UserError(f"The test set {name} cannot have {word!r}: expected of {', '.join(WORDS)} ({EXPECTED}).")
        if value not in WORDS[word]:
            raise UserError(f"The test set {name} cannot have {word}={value}: expected {' or '.join(WORDS[word])}.")
        more.setdefault(word, value)
    return TestSet(name, folder, **more)


def separate_texts(text: str) -> list[str]:
    """The texts in one, with commas between them; a comma in a folder's name is left for read_test_set to refuse.

    >>> separate_texts("a=/x:voice=left,b=/y,z")
    ['a=/x:voice=left', 'b=/y,z']
    """
    return [part.strip() for part in _BETWEEN.split(text.strip(" ,")) if part.strip()]


def other_test_sets(profile: Profile) -> tuple[TestSet, ...]:
    """The profile's test sets beside its own, in the order in which they were named."""
    return tuple(map(read_test_set, profile.test_sets))


def check_test_sets(texts: Iterable[str], own: str) -> None:
    """Raise :class:`UserError` for texts that name no test set, and for a name that is there twice.

    own: the profile's name, by which its own test split is called.
    """
    names = [read_test_set(text).name for text in texts]
    for name in names:
        if name == own:
            raise UserError(f"A test set cannot be called {name!r}, as the profile is: choose another name.")
        if names.count(name) > 1:
            raise UserError(f"There are two test sets {name!r}: give one of them another name.")


def with_place(text: str, folder: Path) -> str:
    """The text with the whole path of its folder, which is meant from ``folder`` on; raises UserError as above.

    A link stays one: it may stand for a folder whose name cannot be here.
    """
    one = read_test_set(text)
    whole = folder / Path(one.folder).expanduser()
    return replace(one, folder=str(whole.resolve() if ".." in whole.parts else whole.absolute())).text


def dataset_settings(one: TestSet) -> DatasetSettings:
    """The settings by which the set's tracks are found: all that count are test tracks."""
    folder = Path(one.folder)
    voice = one.voice or ("right" if _is_mir_1k(folder) else "none")
    settings = DatasetSettings("folder", folder=one.folder, voice_channel=voice, use=one.split)  # type: ignore[arg-type]
    return with_mapping(settings, folder)


def _is_mir_1k(folder: Path) -> bool:
    """Whether it is laid out as MIR-1K is handed out, whose voice is on the right."""
    return (folder / "Wavfile").is_dir() and (folder / "UnvoicedFrameLabel").is_dir()


def require_tracks(one: TestSet) -> tuple[Track, ...]:
    """The set's tracks; raises :class:`UserError` that names the set, where there are none or they have faults."""
    require_ffmpeg()
    folder, settings = Path(one.folder), dataset_settings(one)
    if not folder.is_dir():
        raise UserError(f"The test set {one.name}: there is no folder {folder}. Name one with tracks ({EXPECTED}).")
    listed = listed_tracks(folder, settings)
    if not one.voice and not any(_has_voice(track) for track in listed):
        raise UserError(f"The test set {one.name}: {_no_voice(one, folder)}")
    try:
        tracks = find_tracks(folder, settings)
    except UserError as fault:
        raise UserError(f"The test set {one.name}: {fault}") from None
    if not tracks:
        raise UserError(
            f"The test set {one.name}: {folder} has no tracks in {one.split}: name the tracks that count, such as "
            f"{replace(one, split='all').text}."
        )
    return tracks


def _has_voice(track: Track) -> bool:
    return "vocals" in track.roles or track.voice_channel != "none" or track.sources[0].name.endswith(STEM_SUFFIX)


def _no_voice(one: TestSet, folder: Path) -> str:
    """What is to be done where no track has a file of the voice."""
    sounds = (file for file in files_below(folder) if is_sound_file(file) and not is_below_hidden(file, folder))
    if next(sounds, None) is None:
        return f"{folder} has no sound: name a folder with tracks."
    return (
        f"no track in {folder} has a file of the voice (`sepbench look DIR` shows what files are taken for). Of "
        f"two-channel karaoke say on which channel the voice is: {replace(one, voice='right').text} (or left). With "
        "mixtures alone nothing can be scored: the true vocals are needed."
    )
