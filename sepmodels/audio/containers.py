"""Where the samples lie in a file, and how many were promised: WAV, RF64, W64, AIFF, CAF and AU, and the end of Ogg.

Programs that write to a pipe cannot know the length: they promise nothing, or the most there is. 32-bit sizes wrap
beyond 4 GiB. Libraries believe what is promised, so that such files come out empty or cut, without a word.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MOST_CHUNKS = 10_000
_WRAP = 1 << 32
# A chunk's size is "unknown" where it is about the largest that the field holds, signed or not.
_NEAR = 1 << 16
_LARGEST_64 = 1 << 60
_OGG_TAIL = 1 << 17  # a page has 65,307 bytes at most


@dataclass(frozen=True)
class SoundChunk:
    """The part of a file that holds samples.

    offset, size: in bytes, as far as the file reaches. missing: bytes that are promised and not there.
    told: whether the size is what the header says; else the header says nothing, or what cannot be.
    """

    offset: int
    size: int
    missing: int
    told: bool


def find_sound_chunk(path: Path) -> SoundChunk | None:
    """The chunk of samples; None for a file of another container, or without such a chunk."""
    length = path.stat().st_size
    with path.open("rb") as file:
        found = _promise(file, length)
        if found is None:
            return None
        offset, promised, bits = found
        held = length - offset
        return _judged(file, offset, promised, held, bits) if held >= 0 else None


def _judged(file: BinaryIO, offset: int, promised: int | None, held: int, bits: int) -> SoundChunk:
    if promised is None or _is_unknown(promised, bits):
        return SoundChunk(offset, held, 0, told=False)
    if promised > held:
        return SoundChunk(offset, held, promised - held, told=True)
    rest = held - promised
    if bits == 32 and rest >= _WRAP - _NEAR:
        return SoundChunk(offset, min(held, promised + round(rest / _WRAP) * _WRAP), 0, told=False)
    if rest > promised and not _is_chunk(file, offset + promised + promised % 2, length=offset + held):
        return SoundChunk(offset, held, 0, told=False)  # the writer was stopped before it could tell
    return SoundChunk(offset, promised, 0, told=True)


def _is_unknown(promised: int, bits: int) -> bool:
    if bits == 64:
        return not 0 <= promised < _LARGEST_64
    return promised >= _WRAP - _NEAR or abs(promised - _WRAP // 2) <= _NEAR


def _is_chunk(file: BinaryIO, position: int, length: int) -> bool:
    """Whether a whole chunk follows, or nothing at all."""
    file.seek(position)
    head = file.read(8)
    if not head:
        return True
    name = head[:4]
    fits = len(head) == 8 and any(
        position + 8 + int.from_bytes(head[4:], order) <= length for order in ("little", "big")
    )
    return fits and all(32 <= byte < 127 for byte in name)


def _promise(file: BinaryIO, length: int) -> tuple[int, int | None, int] | None:
    """Offset, promised bytes (None where the header tells none) and bits of the field that promises them."""
    head = file.read(16)
    if head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        return _of_riff(file, "<" if head[:4] == b"RIFF" else ">", length)
    if head[:4] in (b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _of_rf64(file, length)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _of_aiff(file, length)
    if head[:4] == b"caff":
        return _of_caf(file, length)
    if head[:4] == b"riff":
        return _of_w64(file, length)
    if head[:4] == b".snd":
        offset, promised = struct.unpack(">II", head[4:12])
        return offset, promised, 32
    return None


def _chunks(file: BinaryIO, start: int, form: str, align: int, length: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place of the content and size of each chunk; ``form`` unpacks a chunk's head into name and size."""
    position, width = start, struct.calcsize(form)
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(width)
        if len(head) < width or position > length:
            return
        name, size = struct.unpack(form, head)
        yield name[:4], position + width, size
        position += width + max(size, 0)
        position += -position % align


def _of_riff(file: BinaryIO, order: str, length: int) -> tuple[int, int | None, int] | None:
    for name, offset, size in _chunks(file, 12, f"{order}4sI", 2, length):
        if name == b"data":
            return offset, size, 32
    return None


def _of_rf64(file: BinaryIO, length: int) -> tuple[int, int | None, int] | None:
    whole = 0
    for name, offset, size in _chunks(file, 12, "<4sI", 2, length):
        if name == b"ds64":
            file.seek(offset + 8)
            whole = int.from_bytes(file.read(8), "little", signed=True)
        if name == b"data":
            return (offset, whole or None, 64) if size == _WRAP - 1 else (offset, size, 32)
    return None


def _of_aiff(file: BinaryIO, length: int) -> tuple[int, int | None, int] | None:
    for name, offset, size in _chunks(file, 12, ">4sI", 2, length):
        if name == b"SSND":
            file.seek(offset)
            skipped = 8 + int.from_bytes(file.read(4), "big")
            return offset + skipped, size - skipped if size > skipped else None, 32
    return None


def _of_caf(file: BinaryIO, length: int) -> tuple[int, int | None, int] | None:
    for name, offset, size in _chunks(file, 8, ">4sq", 1, length):
        if name == b"data":
            return offset + 4, size - 4 if size > 4 else None, 64  # behind the count of edits
    return None


def _of_w64(file: BinaryIO, length: int) -> tuple[int, int | None, int] | None:
    position = 40
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(24)
        if len(head) < 24 or position > length:
            return None
        size = int.from_bytes(head[16:], "little", signed=True)  # of the head too
        if head[:4] == b"data":
            return position + 24, size - 24 if size > 24 else None, 64
        position += max(size, 24)
        position += -position % 8
    return None


def ogg_is_cut(path: Path) -> bool:
    """Whether the last page of an Ogg file is not whole."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _OGG_TAIL))
        tail = file.read()
    page = tail.rfind(b"OggS\0")
    if page < 0:
        return False
    segments = tail[page + 26] if len(tail) > page + 26 else None
    if segments is None:
        return True
    sizes = tail[page + 27 : page + 27 + segments]
    return len(sizes) < segments or len(tail) < page + 27 + segments + sum(sizes)


class Window:
    """A part of a file as a file of its own, for libraries that read from a file object."""

    def __init__(self, path: Path, offset: int, size: int) -> None:
        self._file = path.open("rb")
        self._offset, self._size = offset, size
        self.seek(0)

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """As of a file; the window's begin is 0."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        return self._file.seek(self._offset + base + position) - self._offset

    def tell(self) -> int:
        """The place within the window."""
        return self._file.tell() - self._offset

    def read(self, size: int = -1) -> bytes:
        """The next bytes, none beyond the window's end."""
        left = max(0, self._size - self.tell())
        return self._file.read(left if size < 0 else min(size, left))

    def close(self) -> None:
        """Close the file below."""
        self._file.close()
