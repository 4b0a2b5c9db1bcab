"""What ffmpeg complains of while it decodes, and whether that bears on the sound.

It says the same of a frame in the middle that is destroyed, of a picture in the tags, and of bytes that somebody
appended. What counts is whether sound follows: then some of it is missing. The first run tells that there was a
complaint; only then a second one, which lists every frame, tells where.
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sepmodels.audio.containers import find_sound_chunk, ogg_is_cut
from sepmodels.audio.probing import StreamHeader, damaged
from sepmodels.errors import UserError
from sepmodels.marks import words_only

# A header counts in whole codec frames and may or may not include an encoder's padding: up to about 4000 samples.
LENGTH_TOLERANCE_SECONDS = 0.1
LOG_LEVEL = "level+error"  # faults alone, each with its level
_FAULT = re.compile(rb"\[(error|fatal|panic)\] ")
# What is said of the samples on their way out, of their times, is of no file.
_OF_OUTPUT = (b"[s16le @", b"[f32le @", b"[null @")
_FRAME = re.compile(rb" nb_samples:(\d+) ")
# These are nothing but frames, one after another: of their last one there may be a piece, and then whatever else.
_FRAMES_ALONE = ("mp3", "aac", "ac3", "eac3", "dts", "loas")
# So are these, but each frame tells its length: a piece of one is what is left of a file that was cut.
_FRAMES_OF_TOLD_LENGTH = ("flac", "wv", "tta", "ape", "mpc", "mpc8", "tak", "ogg")


def check_sound(
    path: Path, messages: bytes, status: int, headers: Sequence[StreamHeader], decoded_seconds: Sequence[float]
) -> None:
    """Raise :class:`UserError` if what ffmpeg decoded is not all the sound that the file has, or is damaged.

    messages, status: what ffmpeg said when run with :data:`LOG_LEVEL`, and its exit status.
    decoded_seconds: of each of the first streams.
    """
    faults = [line for line in messages.splitlines() if _is_fault(line)]
    if not any(decoded_seconds) and not faults and status == 0:
        raise UserError(f"{path} has no samples: export or download it again.")
    if status < 0 or not any(decoded_seconds):
        raise damaged(path, b"\n".join(faults) or messages, status, 0)  # what comes after the first is mostly its echo
    for stream, header in enumerate(headers if faults or status else ()):
        inner = _inner_fault(path, stream, header)
        if inner is not None:
            raise damaged(path, inner, status, 0)
    for header, seconds in zip(headers, decoded_seconds, strict=True):
        check_length(path, header, seconds)
    if (faults or status) and not all(map(_may_end_in_junk, headers)):
        raise damaged(path, b"\n".join(faults) or messages, status, 0)


def _is_fault(line: bytes) -> bool:
    return _FAULT.search(line) is not None and not line.startswith(_OF_OUTPUT)


def _may_end_in_junk(header: StreamHeader) -> bool:
    if header.container in _FRAMES_ALONE or header.codec.startswith("pcm_"):
        return True
    return header.container in _FRAMES_OF_TOLD_LENGTH and header.seconds is not None


def check_length(path: Path, header: StreamHeader, decoded_seconds: float) -> None:
    """Raise :class:`UserError` for a stream that is empty, or shorter than its file says."""
    if decoded_seconds < (header.seconds or 0.0) - LENGTH_TOLERANCE_SECONDS:
        raise cut_short(path, decoded_seconds, header.seconds or 0.0)
    chunk = find_sound_chunk(path)
    if chunk is not None and chunk.missing:
        missing_seconds = decoded_seconds * chunk.missing / max(chunk.size, 1)
        if missing_seconds > LENGTH_TOLERANCE_SECONDS:
            raise cut_short(path, decoded_seconds, decoded_seconds + missing_seconds)
    if header.container == "ogg" and ogg_is_cut(path):
        raise UserError(f"{path} is cut short: its last page is not whole; copy or download it again.")


@words_only
def cut_short(path: Path, held_seconds: float, promised_seconds: float) -> UserError:
    """The error for a file that holds less sound than it says."""
    return UserError(
        f"{path} is cut short: it holds {held_seconds:.2f} s of the {promised_seconds:.2f} s that its header "
        "promises; copy or download it again."
    )


def _inner_fault(path: Path, stream: int, header: StreamHeader) -> bytes | None:
    """The first complaint that comes after the header was read, and that more than a moment of sound follows."""
    command = ["ffmpeg", "-nostdin", "-v", "level+info", "-threads", "1", *header.input_options]
    command += ["-i", str(path.absolute()), "-map", f"0:a:{stream}", "-af", "ashowinfo", "-f", "null", "-"]
    fault, opened, samples = None, False, 0
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            opened = opened or b"Input #0" in line
            if (frame := _FRAME.search(line)) and fault is not None:
                samples += int(frame[1])
            elif opened and fault is None and _is_fault(line):
                fault = line
    return fault if samples > LENGTH_TOLERANCE_SECONDS * header.sample_rate_hz else None
