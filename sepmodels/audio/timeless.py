"""Files that are equal where what they hold is equal: no time of writing in them, and no order drawn by chance."""

import json
from pathlib import Path
from typing import Any

_SFC_SET_ADD_PEAK_CHUNK = 0x1050  # libsndfile, sndfile.h


def leave_time_out(file: Any) -> None:
    """Let libsndfile write no PEAK chunk into a float WAV: it holds the time of writing.

    file: a ``soundfile.SoundFile`` that nothing has been written to. soundfile itself has no name for this.
    """
    import soundfile

    soundfile._snd.sf_command(file._file, _SFC_SET_ADD_PEAK_CHUNK, soundfile._ffi.NULL, 0)


def sort_header(path: Path) -> None:
    """Sort the metadata in the header of a safetensors file, which the library writes in an order drawn by chance.

    The header is a length in eight bytes, and so many bytes of JSON (the format's README). Sorted, it is as long.
    """
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) <= length:
            file.seek(8)
            file.write(text.ljust(length))
