"""From a dataset's folder to its tracks: names, splits and files. Nothing is decoded here.

Four layouts (:class:`~sepmodels.settings.DatasetSettings`):

``stems``, ``demo``
    MUSDB18: ``train/*.stem.mp4`` and ``test/*.stem.mp4``, five streams each.
``wav``
    MUSDB18-HQ: ``train/<track>/`` and ``test/<track>/`` with ``mixture.wav``, ``drums.wav``, ``bass.wav``,
    ``other.wav`` and ``vocals.wav``.
``folder``
    A folder per track with ``vocals`` and any other stems, in any format that ffmpeg reads; below ``train``,
    ``test`` and, if wanted, ``valid``, or all in one folder, to be split by a seeded draw. ``drums`` and
    ``bass`` keep their places, every other file is part of ``other``, and ``mixture`` is the mixture. Five-stream
    ``.stem.mp4`` files are tracks here too, so that this layout reads MUSDB18's two as well. With the setting
    ``voice_channel`` each file is a track of two-channel karaoke (:mod:`sepmodels.dataset.karaoke`); with ``mapping`` a
    file says which files are which stems (:mod:`sepmodels.dataset.mapping`).

A track's folder may have its files one folder deeper. What is sound, and what is hidden and passed over, is the rule of
:mod:`sepmodels.audio.sound_files`; what the files are, that of :mod:`sepmodels.dataset.roles`.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sepmodels.audio import STREAMS
from sepmodels.audio.probing import require_ffmpeg, require_file
from sepmodels.audio.sound_files import files_below, is_below_hidden, is_hidden, is_sound_file
from sepmodels.dataset.karaoke import OTHER_CHANNEL, karaoke_faults, karaoke_files, singer
from sepmodels.dataset.layout_words import expected
from sepmodels.dataset.mapping import LEFT_OUT as MAPPED_OUT
from sepmodels.dataset.mapping import Mapped, mapped_tracks, mapping_faults
from sepmodels.dataset.roles import LEFT_OUT, roles_of
from sepmodels.dataset.splits import SPLITS, hold_out, musdb_validation_tracks, validation_names
from sepmodels.dataset.target import aimed
from sepmodels.dataset.track import STEM_SUFFIX, Track
from sepmodels.errors import UserError
from sepmodels.machine.parallel import raise_all
from sepmodels.marks import words_only
from sepmodels.settings import DatasetSettings, changed

# Names of files that sum up what other files of a track have.
_SUMS_OF_ALL = frozenset({"mix", "mixdown", "master", "linear_mixture"})
_SUMS_WITHOUT_VOCALS = frozenset({"accompaniment", "instrumental", "karaoke", "no_vocals", "minus_one"})
# A file's name in the cache is the track's, with a temporary prefix and a suffix, and may have 255 bytes.
_LONGEST_NAME_BYTES = 200
_LIKE_SPLITS = ("train", "training", "test", "testing", "val", "valid", "validation", "dev", "development")


def find_tracks(folder: Path, settings: DatasetSettings) -> tuple[Track, ...]:
    """The tracks of a dataset, sorted by name, each in one split.

    Validation tracks are MUSDB18's own fourteen where the data is MUSDB's, else a seeded share of the training
    tracks (:func:`sepmodels.dataset.splits.hold_out`). A ``folder`` is MUSDB's if it has all fourteen.

    Raises one :class:`UserError` that lists all that is wrong: a folder that is missing, empty or has no train
    or test tracks, a stem missing or given twice, an empty file, a name used twice or unfit for a file; and one for a
    target that tracks lack.
    """
    if changed(settings, "target"):
        return aimed(
            find_tracks(folder, replace(settings, target="vocals")),
            settings.target,
            folder,
            beside=changed(settings, "use"),
        )
    require_ffmpeg()
    if not folder.is_dir():
        raise UserError(
            f"The dataset folder {folder} does not exist: name a folder with {expected(settings)} (--dataset DIR)."
        )
    tracks = sorted(_listed(folder, settings), key=lambda track: track.name)
    faults = itertools.chain(_strays(folder, settings), _nests(folder, settings), _faults(tracks, settings))
    if changed(settings, "voice_channel"):
        faults = itertools.chain(karaoke_faults(folder), _faults(tracks, settings))
    if changed(settings, "mapping"):
        faults = itertools.chain(mapping_faults(folder, str(settings.mapping)), _faults(tracks, settings))
    raise_all(faults, f"The dataset in {folder} has faults:")
    if changed(settings, "use"):
        counted = ("", "train", "valid", "test") if settings.use == "all" else ("", settings.use)
        return tuple(replace(track, split="test") for track in tracks if track.split in counted)
    tracks = _split(tracks, settings)
    for split in ("train", "test"):
        if not any(track.split == split for track in tracks):
            raise UserError(
                f"The dataset folder {folder} has no {split} tracks: {expected(settings)} was expected"
                f"{_nearby(folder, settings)}."
            )
    if not any(track.split == "valid" for track in tracks):
        raise UserError(f"The dataset folder {folder} has one training track: two are needed, one for validation.")
    return tuple(tracks)


def listed_tracks(folder: Path, settings: DatasetSettings) -> list[Track]:
    """The tracks that are there, whatever is wrong with them: in the split whose folder they are in, or in none."""
    return sorted(_listed(folder, settings), key=lambda track: track.name)


@words_only
def _nearby(folder: Path, settings: DatasetSettings) -> str:
    """A hint where the dataset lies one level deeper, as archives often unpack, or has another layout."""
    inner = [entry for entry in _entries(folder) if (entry / "train").is_dir()]
    if inner:
        return f"; did you mean {inner[0]}?"
    called = [entry for entry in _entries(folder) if _nearest_split(entry.name) not in ("", entry.name)]
    if found := [entry for entry in called if _has_tracks(entry)]:
        return f"; call {found[0]} {_nearest_split(found[0].name)}"
    if settings.layout == "wav" and any(folder.glob(f"train/*{STEM_SUFFIX}")):
        return "; it has five-stream files, which the profiles musdb18 and folder read"
    if settings.layout == "stems" and any(folder.glob("train/*/vocals.*")):
        return "; it has folders of files, which the profiles musdb18hq and folder read"
    if settings.layout == "folder" and settings.voice_channel == "none" and _sounds_in(folder):
        return "; it has sound files outside of tracks' folders: the profile karaoke reads those of two channels"
    return ""


def _listed(folder: Path, settings: DatasetSettings) -> Iterator[Track]:
    """All tracks, in the split whose folder they are in ("" in a folder that has no splits)."""
    if changed(settings, "voice_channel"):
        yield from (_karaoke_track(split, file, settings.voice_channel) for split, file in karaoke_files(folder))
        return
    if changed(settings, "mapping"):
        name = str(settings.mapping)
        yield from (_mapped_track(mapped, name) for mapped in mapped_tracks(folder, name) if not mapped.is_left_out)
        return
    splits = [split for split in SPLITS if (folder / split).is_dir()]
    if settings.layout != "folder":
        splits = [split for split in splits if split != "valid"]
    for split in splits or ([""] if settings.layout == "folder" else []):
        for entry in _entries(folder / split):
            if entry.name.endswith(STEM_SUFFIX) and settings.layout != "wav":
                yield Track(entry.name.removesuffix(STEM_SUFFIX), split, (entry,))
            elif entry.is_dir() and settings.layout in ("wav", "folder"):
                files = _track_files(entry)
                if files or settings.layout == "wav":  # pictures and texts are no track
                    yield _with_roles(Track(entry.name, split, files), settings)


def _karaoke_track(split: str, file: Path, voice_channel: str) -> Track:
    """A file with the voice on one channel; its role tells that, and so do the hashes that it is part of."""
    role = f"vocals {voice_channel}, accompaniment {OTHER_CHANNEL[voice_channel]}"
    return Track(file.stem, split, (file,), (role,), voice_channel=voice_channel)


def _mapped_track(mapped: Mapped, name: str) -> Track:
    roles = {file: role for file, role in mapped.roles.items() if role != MAPPED_OUT}
    left_out = tuple(file for file, role in mapped.roles.items() if role == MAPPED_OUT)
    return Track(mapped.name, mapped.split, tuple(roles), tuple(roles.values()), left_out, mapping=name)


def _with_roles(track: Track, settings: DatasetSettings) -> Track:
    """The track with the roles of its files, and without those that do not count."""
    roles = dict(zip(track.sources, roles_of(track.sources, settings), strict=True))
    kept = tuple(source for source, role in roles.items() if role != LEFT_OUT)
    left_out = tuple(source for source, role in roles.items() if role == LEFT_OUT)
    return replace(track, sources=kept, roles=tuple(roles[source] for source in kept), left_out=left_out)


def _track_files(folder: Path) -> tuple[Path, ...]:
    """The sound files of a track's folder, or of the one folder below it that has any."""
    files = _sounds_in(folder)
    deeper = [] if files or folder.name.lower() in _LIKE_SPLITS else _folders_of_sounds(folder)
    return _sounds_in(deeper[0]) if len(deeper) == 1 else files


def _sounds_in(folder: Path) -> tuple[Path, ...]:
    return tuple(entry for entry in _entries(folder) if is_sound_file(entry))


def _folders_of_sounds(folder: Path) -> list[Path]:
    """The folders below ``folder`` that have sound files of their own."""
    found = dict.fromkeys(file.parent for file in files_below(folder) if is_sound_file(file))
    return [place for place in found if place != folder and not is_below_hidden(place, folder)]


def _strays(folder: Path, settings: DatasetSettings) -> Iterator[str]:
    """Tracks that lie beside the folders of splits, where nobody would read them."""
    splits = [split for split in SPLITS if (folder / split).is_dir()]
    if settings.layout != "folder" or not splits:
        return
    for entry in _entries(folder):
        if entry.name not in splits and (_is_track(entry) or _has_tracks(entry)):
            name = f"call it {_nearest_split(entry.name)}, " if _nearest_split(entry.name) else ""
            yield f"{entry} has tracks, but lies beside {' and '.join(splits)}: {name}move it there, or elsewhere."


def _nests(folder: Path, settings: DatasetSettings) -> Iterator[str]:
    """Folders where a track is expected, and several lie deeper."""
    splits = [split for split in SPLITS if (folder / split).is_dir()] or [""]
    for split in splits if settings.layout == "folder" else []:
        for entry in _entries(folder / split):
            if not entry.is_dir() or _track_files(entry) or entry.name.lower() in _LIKE_SPLITS:
                continue
            if len(deeper := _folders_of_sounds(entry)) > 1:
                names = ", ".join(place.relative_to(entry).as_posix() for place in deeper[:3])
                yield (
                    f"{entry} is not a track but has {len(deeper)} folders of sounds ({names}): move each track's "
                    f"folder into {folder / split}."
                )


def _nearest_split(name: str) -> str:
    """``valid`` for ``validation`` and ``val``, ``train`` for ``Training``; empty for what is like none."""
    like = (split for split in SPLITS if name.lower().startswith(split[:3]))
    return "valid" if name.lower() in ("dev", "development") else next(like, "")


def _is_track(entry: Path) -> bool:
    if entry.name.endswith(STEM_SUFFIX):
        return True
    return entry.is_dir() and bool(_track_files(entry))


def _has_tracks(entry: Path) -> bool:
    return entry.is_dir() and any(_is_track(inner) for inner in _entries(entry))


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not is_hidden(entry.name))


def _faults(tracks: Sequence[Track], settings: DatasetSettings) -> Iterator[str]:
    for name, count in Counter(track.name for track in tracks).items():
        if count > 1:
            yield f"{name!r} is there {count} times: a name may be used once over all splits; rename or remove one."
    for track in tracks:
        # lone surrogates (names that are not UTF-8) and control characters are not printable
        if not track.name.isprintable() or len(track.name.encode(errors="replace")) > _LONGEST_NAME_BYTES:
            yield f"{track.name!r} cannot name files and table rows: rename it, in at most {_LONGEST_NAME_BYTES} bytes."
        for source in track.sources:
            try:
                require_file(source)
            except UserError as fault:
                yield words_only(str(fault))
        if not (track.sources and track.sources[0].name.endswith(STEM_SUFFIX)):
            yield from _role_faults(track, settings)


def _role_faults(track: Track, settings: DatasetSettings) -> Iterator[str]:
    """What is wrong with the stems of a track that is a folder of files."""
    if changed(settings, "voice_channel"):
        return
    if changed(settings, "mapping"):
        return
    place = f"The track {track.name!r}" + (f" in {track.split}" if track.split else "")
    roles = Counter(source.stem.lower() for source in track.sources)
    required = STREAMS if settings.layout == "wav" else ()
    missing = [role for role in required if role not in roles]
    if not missing and "vocals" not in track.roles:
        missing = [f"vocals, nor a file named like the voice ({', '.join(sorted(roles)) or 'no sound'})"]
    if missing:
        yield f"{place} has no {', '.join(missing)}: add it, say which it is (dataset.vocals), or move the folder."
    elif set(track.roles) == {"vocals"}:
        yield f"{place} has nothing but vocals: add its other stems, its accompaniment or its mixture."
    for role, count in roles.items():
        if count > 1:
            yield f"{place} has {count} files named {role!r}: keep one."
    for role in sorted(roles.keys() & _SUMS_OF_ALL):
        yield f"{place} has a file {role!r}, which would be heard twice: call it mixture, or remove it."
    for role in sorted(roles.keys() & _SUMS_WITHOUT_VOCALS):
        others = {
            source.stem.lower() for source, kind in zip(track.sources, track.roles, strict=True) if kind != "vocals"
        }
        if others - {role, "mixture"}:
            yield f"{place} has a file {role!r} beside other stems, which would be heard twice: remove it."


def _split(tracks: Sequence[Track], settings: DatasetSettings) -> list[Track]:
    """Put every track into train, valid or test; what a folder decides stands."""
    if changed(settings, "voice_channel"):
        return _split_by_singers(tracks, settings)
    splits = {track.name: track.split for track in tracks}
    if any(split == "" for split in splits.values()):
        tested = hold_out(splits, settings.test_share, settings.split_seed)
        splits = {name: "test" if name in tested else "train" for name in splits}
    if "valid" not in splits.values():
        training = [name for name, split in splits.items() if split == "train"]
        is_musdb = settings.layout == "folder" and musdb_validation_tracks() <= frozenset(training)
        official = is_musdb or settings.layout in ("stems", "wav")
        held_out = validation_names(training, settings.validation_share, settings.split_seed, official=official)
        splits.update(dict.fromkeys(held_out, "valid"))
    return [replace(track, split=splits[track.name]) for track in tracks]


def _split_by_singers(tracks: Sequence[Track], settings: DatasetSettings) -> list[Track]:
    """The same of clips: a draw takes all clips of a singer, which their names tell."""
    named = [replace(track, name=f"{singer(track.name)} - {track.name}") for track in tracks]
    drawn = _split(named, replace(settings, voice_channel="none"))
    return [replace(track, split=one.split) for track, one in zip(tracks, drawn, strict=True)]
