"""Standard error without what libmpg123 prints there by itself, in the middle of a progress bar.

It speaks of an MP3's odd places, past Python, and nothing can tell it not to. What is wrong with a song is said by us.
"""

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NOISE = re.compile(rb"Note: |Warning: (Xing|Real sample count|Encountered|.*-header)|\[src/libmpg123|\s*$")
JOIN_SECONDS = 1.0  # a child process that is left may hold the pipe open


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Within the block, lines of libmpg123 on standard error are dropped; all others come through."""
    if sys.stderr is None:  # it is closed
        yield
        return
    sys.stderr.flush()
    before = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    thread = threading.Thread(target=_pass_on, args=(reading, os.dup(before)), daemon=True)
    thread.start()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)
        thread.join(JOIN_SECONDS)


def _pass_on(reading: int, out: int) -> None:
    with os.fdopen(reading, "rb") as lines, os.fdopen(out, "wb", buffering=0) as there:
        for line in lines:
            if not _NOISE.match(line):
                there.write(line)
