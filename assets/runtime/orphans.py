"""A step's process does not outlive the process of the run that it belongs to."""

import functools
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import wait

PATIENCE_SECONDS = 60.0  # a training writes its state before it ends


@functools.cache
def end_with_the_run() -> None:
    """Interrupt this process when the one that Dagster started it from has gone (kill -9), and end it after a while.

    Dagster's executor tells its steps to end; killed, it tells them nothing, and a training would go on beside the
    next run's.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(PATIENCE_SECONDS)
    os._exit(1)  # whatever it hangs on: telling the run, most likely
