"""What the files of a track are, by their names: the voice, drums, bass, the mixture, or other accompaniment.

A name is read word by word, without case, and without what stands between words (``Lead_Vox 2``, ``BackingVocals``).

- The voice is every file whose name has a word for it (:data:`VOICE`), unless it says that there is none ("no vocals").
  Several are summed.
- A copy as file managers name them ("vocals copy", "Copy of vocals", "vocals (2)" beside "vocals") is left out.
- ``mixture``, ``drums`` and ``bass`` are what they are called. All else is accompaniment.

The setting ``dataset.vocals`` says which names are the voice instead, ``dataset.left_out`` which files do not count.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from sepmodels.settings import DatasetSettings

VOICE = frozenset(
    [
        "vocal",
        "vocals",
        "vocalist",
        "vocalists",
        "vox",
        "voice",
        "voices",
        "voc",
        "vocs",
        "singer",
        "singers",
        "singing",
        "sing",
        "acapella",
        "acappella",
        "cappella",
        "choir",
        "rap",
        "rapper",
        "bgv",
        "bgvs",
        "bv",
        "bvs",
        "adlib",
        "adlibs",
        "gesang",
        "stimme",
        "stimmen",
        "voix",
        "chant",
        "voz",
        "voces",
        "canto",
        "voce",
        "voci",
    ]
)
_PARTS = ("vocal", "vox")  # within a word: leadvocals, backingvox
_WITHOUT = frozenset(
    ["no", "non", "not", "minus", "without", "instrumental", "karaoke", "accompaniment", "ohne", "sans", "sin", "senza"]
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+")
_COPY = re.compile(
    r"(?i)^copy of (.+)$|^(.+?)[ _-]+(?:another )?(?:copy|kopie|copie)(?: ?\(?\d+\)?)?$|^(.+?) ?\(\d+\)$"
)
_COPY_IN_BRACKETS = re.compile(r"(?i)^(.+?) \((?:another |\w+ )?copy\)$")
OWN = ("drums", "bass", "mixture")
LEFT_OUT = ""


def roles_of(sources: Sequence[Path], settings: DatasetSettings) -> tuple[str, ...]:
    """The role of each file of one track: "vocals", one of :data:`OWN`, "other", or :data:`LEFT_OUT`."""
    names = {_plain(source) for source in sources}
    return tuple(_role(_plain(source), source.stem, names, settings) for source in sources)


def _plain(source: Path) -> str:
    return unicodedata.normalize("NFC", source.stem).lower().strip()


def _role(name: str, written: str, names: Collection[str], settings: DatasetSettings) -> str:
    if _matches(name, settings.left_out) or _original(name) in names:
        return LEFT_OUT
    if name in OWN:
        return name
    if settings.vocals:
        return "vocals" if _matches(name, settings.vocals) else "other"
    return "vocals" if is_voice(written) else "other"


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern.lower().strip()) for pattern in patterns)


def _original(name: str) -> str | None:
    """The name that this one is a copy of."""
    found = _COPY.match(name) or _COPY_IN_BRACKETS.match(name)
    return next((part.strip() for part in found.groups() if part), None) if found else None


def is_voice(name: str) -> bool:
    """Whether a name has a word for the voice.

    >>> [is_voice(name) for name in ("Lead_Vox 2", "BackingVocals", "no_vocals", "piano")]
    [True, True, False, False]
    """
    words = {word.lower() for word in _WORD.findall(unicodedata.normalize("NFC", name))}
    if words & _WITHOUT or any(word.startswith(("no", "minus")) and "vocal" in word for word in words):
        return False
    return bool(words & VOICE) or any(part in word for word in words for part in _PARTS)


def roles_sentence(tracks: Iterable[tuple[Sequence[Path], Sequence[str]]]) -> str:
    """Which names are what, over all tracks; empty where no track is a folder of files.

    >>> roles_sentence([([Path("vocals.wav"), Path("lead vox.wav"), Path("piano.wav")], ("vocals", "vocals", "other"))])
    'The voice: lead vox, vocals. Accompaniment: piano.'
    """
    names: dict[str, set[str]] = defaultdict(set)
    for sources, roles in tracks:
        for source, role in zip(sources, roles, strict=True):
            names[{"vocals": "The voice", "mixture": "Mixture", LEFT_OUT: "Left out"}.get(role, "Accompaniment")].add(
                source.stem
            )
    headings = ("The voice", "Accompaniment", "Mixture", "Left out")
    parts = (f"{heading}: {_some(sorted(names[heading]))}." for heading in headings if names[heading])
    return " ".join(parts)


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
