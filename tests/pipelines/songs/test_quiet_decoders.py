"""What libmpg123 prints by itself does not run into a progress bar."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.songs.quiet_decoders import quiet_decoders
from tests.conftest import PROJECT

ODD = """
import os, sys, soundfile
from pipelines.songs.quiet_decoders import quiet_decoders
def read():
    try:
        soundfile.read(sys.argv[1])
    except soundfile.LibsndfileError:
        pass
if sys.argv[2] == "noisy":
    read()
with quiet_decoders():
    read()
    print("said by us", file=sys.stderr)
    os.write(2, b"said by another library\\n")
print("said afterwards", file=sys.stderr)
"""


@pytest.fixture
def odd_mp3(tmp_path: Path) -> Path:
    """An MP3 with other bytes in its middle."""
    song = tmp_path / "song.mp3"
    make = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "sine=440:duration=3", "-b:a", "64k", str(song)]
    subprocess.run(make, check=True)
    content = song.read_bytes()
    song.write_bytes(content[:6000] + bytes(range(255)) * 12 + content[6000:])
    return song


def said(song: Path, how: str) -> list[str]:
    script = [sys.executable, "-c", ODD, str(song), how]
    return subprocess.run(script, cwd=PROJECT, capture_output=True, text=True, check=True).stderr.splitlines()


def test_lines_of_libmpg123_are_dropped_and_all_others_come_through(odd_mp3: Path) -> None:
    assert any("libmpg123" in line for line in said(odd_mp3, "noisy"))
    assert said(odd_mp3, "quiet") == ["said by us", "said by another library", "said afterwards"]


def test_standard_error_is_as_before_after_a_fault(capfd: pytest.CaptureFixture) -> None:
    def fail() -> None:
        with quiet_decoders():
            os.write(2, b"Note: of libmpg123\nbefore the fault\n")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    os.write(2, b"Note: ours\n")
    assert capfd.readouterr().err == "before the fault\nNote: ours\n"
