"""What is told of a dataset's files before any is decoded: what they are taken for, and what is passed over."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sepmodels.audio.sound_files import passed_over, passed_over_sentence
from sepmodels.dataset.karaoke import channels_sentence
from sepmodels.dataset.roles import roles_sentence
from sepmodels.dataset.track import Track
from sepmodels.settings import changed


def mapping_sentence(tracks: Sequence[Track]) -> str:
    """How many files a mapping file takes for what."""
    counts = Counter(role for track in tracks for role in track.roles)
    counts["left out"] = sum(len(track.left_out) for track in tracks)
    listed = ", ".join(f"{count} {role}" for role, count in counts.items() if count)
    return f"By {tracks[0].mapping}, the files of {len(tracks)} tracks are: {listed}."


def file_sentences(folder: Path, tracks: Sequence[Track]) -> dict[str, str]:
    """Sentences on the ``files`` of tracks that are folders, the ``channels`` of karaoke, and what is ``passed_over``.

    Without the empty ones.
    """
    taken = [source for track in tracks for source in track.sources]
    left_out = [source for track in tracks for source in track.left_out]
    found = {
        "files": roles_sentence((track.sources, track.roles) for track in tracks if track.roles),
        "passed_over": passed_over_sentence(passed_over(folder, taken, left_out)),
    }
    if changed(next(iter(tracks), Track("", "", ())), "voice_channel"):
        found |= {"files": "", "channels": channels_sentence(tracks[0].voice_channel)}
    if changed(next(iter(tracks), Track("", "", ())), "mapping"):
        rules = folder / str(tracks[0].mapping)
        told = passed_over_sentence(passed_over(folder, [*taken, rules], left_out))
        found |= {"files": "", "stems": mapping_sentence(tracks), "passed_over": told}
    return {name: sentence for name, sentence in found.items() if sentence}
