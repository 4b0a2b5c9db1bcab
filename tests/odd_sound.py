"""Sound files as programs leave them: without a length, with a wrong one, with something behind the sound."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 44_100


def ffmpeg(*words: object) -> bytes:
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-y", "-v", "error", *map(str, words)], capture_output=True, check=True
    )
    return done.stdout


def sound(seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """(sample, channel): a wavering tone and some noise."""
    rng, time = np.random.default_rng(seed), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tone = 0.2 * np.sin(2 * np.pi * (220 + 6 * np.sin(10 * np.pi * time)) * time)
    return (tone[:, None] + 0.03 * rng.standard_normal((len(time), 2))).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray | None = None, subtype: str = "PCM_16") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound() if samples is None else samples, RATE_HZ, subtype=subtype, format="WAV")
    return path


def piped(wav: Path, form: str, *options: str) -> bytes:
    """What ffmpeg writes to a pipe, where it cannot go back to tell the length."""
    return ffmpeg("-i", wav, *options, "-f", form, "-")


def riff(samples: np.ndarray, riff_size: int | None = None, data_size: int | None = None, tail: bytes = b"") -> bytes:
    """A 16-bit WAV with whatever sizes."""
    data = (samples * 32_767).clip(-32_768, 32_767).astype("<i2").tobytes()
    head = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 2, RATE_HZ, RATE_HZ * 4, 4, 16)
    told = len(data) if data_size is None else data_size
    body = b"WAVE" + head + b"data" + struct.pack("<I", told) + data + tail
    return b"RIFF" + struct.pack("<I", len(body) if riff_size is None else riff_size) + body


def wav_of_24_in_32_bits(samples: np.ndarray) -> bytes:
    """24 bits at the upper end of 32, as the extensible WAV says it."""
    data = (samples * (2**23 - 1)).astype("<i4") << 8
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 2, RATE_HZ, RATE_HZ * 8, 8, 32, 22, 24, 3) + guid
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", data.nbytes) + data.tobytes()
    return b"RIFF" + struct.pack("<I", len(body)) + body


def with_picture_of_unknown_type(flac: bytes) -> bytes:
    """A picture whose type players ignore and ffmpeg complains of."""
    mime, picture = b"image/jpeg;charset=utf-8", b"\xff\xd8\xff\xd9"
    block = struct.pack(">II", 3, len(mime)) + mime + struct.pack(">IIIIII", 0, 1, 1, 24, 0, len(picture)) + picture
    first = 8 + int.from_bytes(flac[5:8], "big")
    return flac[:first] + b"\x06" + len(block).to_bytes(3, "big") + block + flac[first:]
