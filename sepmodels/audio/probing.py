"""What a file says of its sound before any is decoded, asked of ffprobe."""

import functools
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sepmodels.audio.containers import find_sound_chunk
from sepmodels.errors import UserError
from sepmodels.marks import words_only

_GUESSED = b"Estimating duration from bitrate"
# What players cannot hear, and what encoders put first: files of one recording begin that far apart.
_LEAST_LEAD_SECONDS = 0.03
TAGS = ("title", "artist", "album", "tracknumber", "date", "genre", "comment", "copyright", "license")
_OUR_TAGS = {"track": "tracknumber"}
FFMPEG_TAGS = {ours: theirs for theirs, ours in _OUR_TAGS.items()}


@dataclass(frozen=True)
class StreamHeader:
    """What a file says of one of its audio streams.

    seconds: None where nothing tells it, or only a guess from the bit rate of the begin.
    lead_seconds: from the begin of the container to the stream's; 0 where it is no more than codecs need.
    late_seconds: from the begin of the container's first stream (a video's, say) to this one's.
    codec, sample_format, container: ffmpeg's names. input_options: that ffmpeg needs to read it to its end.
    """

    channels: int
    sample_rate_hz: int
    seconds: float | None
    lead_seconds: float = 0.0
    late_seconds: float = 0.0
    codec: str = ""
    sample_format: str = ""
    container: str = ""
    input_options: tuple[str, ...] = ()

    @property
    def may_hold_any_float(self) -> bool:
        """Whether its samples may be NaN, infinite or far beyond full scale: those that nothing compressed."""
        return self.sample_format[:3] in ("flt", "dbl") and (self.codec.startswith("pcm_") or self.codec == "wavpack")


def require_ffmpeg() -> None:
    """Raise :class:`UserError` unless ``ffmpeg`` and ``ffprobe`` are on the PATH."""
    missing = [name for name in ("ffmpeg", "ffprobe") if shutil.which(name) is None]
    if missing:
        raise UserError(
            f"{' and '.join(missing)} not found on the PATH: install it with `sudo apt-get install ffmpeg` "
            "(Debian, Ubuntu) or `brew install ffmpeg` (macOS), then run again."
        )


@functools.cache
def decoder_version() -> str:
    """The version of ``ffmpeg``, which decides what is decoded; "not installed" where there is none.

    It is asked for once: a run whose ffmpeg is replaced meanwhile goes by the one that it began with.
    """
    try:
        said = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "not installed"
    return said.splitlines()[0].removeprefix("ffmpeg version ").partition(" ")[0]


def require_file(path: Path) -> None:
    """Raise :class:`UserError` unless ``path`` is a file that may be read and has something in it."""
    if path.is_dir():
        raise UserError(f"{path} is a folder, where an audio file was expected: name a file in it.")
    if not path.is_file():
        raise UserError(f"{path} does not exist: check the path.")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path} may not be read: give yourself permission (`chmod u+r`).")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty: copy or download it again.")


def probe(path: Path) -> tuple[StreamHeader, ...]:
    """The headers of a file's audio streams, in order.

    Raises :class:`UserError` if there is no ffmpeg, no such file, or no audio in it.
    """
    return probe_with_tags(path)[0]


def probe_with_tags(path: Path) -> tuple[tuple[StreamHeader, ...], dict[str, str]]:
    """The headers, and the tags of the file or of its first audio stream, by the names of :data:`TAGS`."""
    require_ffmpeg()
    require_file(path)
    chunk = find_sound_chunk(path)
    options = ("-ignore_length", "1") if chunk is not None and not chunk.told and _is_riff(path) else ()
    stream = "stream=codec_type,codec_name,sample_fmt,channels,sample_rate,duration,start_time:stream_tags"
    wanted = f"{stream}:format=format_name,duration,start_time,nb_streams:format_tags"
    command = ["ffprobe", "-v", "level+warning", *options, "-show_entries", wanted, "-of", "json"]
    done = subprocess.run([*command, str(path.absolute())], capture_output=True, check=False)
    found = json.loads(done.stdout or b"{}")
    if done.returncode != 0 or "format" not in found:
        raise damaged(path, done.stderr, done.returncode, -1)  # remarks come first
    streams = [stream for stream in found.get("streams", []) if stream.get("codec_type") == "audio"]
    guessed = _GUESSED in done.stderr or chunk is not None
    headers = tuple(_header(stream, found["format"], len(streams), guessed, options) for stream in streams)
    if not headers or not all(header.channels and header.sample_rate_hz for header in headers):
        raise UserError(f"{path} cannot be decoded: it has no audio stream; an audio file was expected.")
    return headers, _tags(streams, found["format"])


def _is_riff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"RIFF"


def _header(
    stream: dict[str, Any], container: dict[str, Any], streams: int, guessed: bool, options: tuple[str, ...]
) -> StreamHeader:
    start, begin = float(stream.get("start_time", 0)), float(container.get("start_time", 0))
    name = container.get("format_name", "")
    lead = start - begin if name == "mpegts" else start  # whose clock begins anywhere
    seconds = float(stream.get("duration", 0)) - (max(start, 0.0) if name == "asf" else 0.0)
    if not seconds and streams == container.get("nb_streams"):
        seconds = float(container.get("duration", 0)) - max(start, 0.0)
    return StreamHeader(
        channels=int(stream.get("channels", 0)),
        sample_rate_hz=int(stream.get("sample_rate", 0)),
        seconds=seconds if seconds > 0 and not guessed else None,
        lead_seconds=lead if lead >= _LEAST_LEAD_SECONDS else 0.0,
        late_seconds=start - begin if start - begin >= _LEAST_LEAD_SECONDS else 0.0,
        codec=stream.get("codec_name", ""),
        sample_format=stream.get("sample_fmt", ""),
        container=name,
        input_options=options,
    )


def _tags(streams: list[dict[str, Any]], container: dict[str, Any]) -> dict[str, str]:
    spoken = [*(stream.get("tags", {}) for stream in streams[:1]), container.get("tags", {})]
    tags = {name.lower(): text for part in spoken for name, text in part.items()}
    named = {_OUR_TAGS.get(name, name): text for name, text in tags.items()}
    return {name: text for name, text in named.items() if name in TAGS and text}


@words_only
def damaged(path: Path, messages: bytes, status: int, which: int) -> UserError:
    """The error for a file that ffmpeg cannot read, quoting one line of what it said."""
    lines = messages.decode(errors="replace").strip().splitlines()
    said = re.sub(r"^(\[[^]]*\] )+", "", lines[which]) if lines else f"it ended with status {status}, and said nothing"
    reason = said.removeprefix(f"{path.absolute()}: ").rstrip(".")
    return UserError(
        f"{path} cannot be decoded (ffmpeg: {reason}): it is not audio, damaged or cut short; copy or download it "
        "again."
    )
