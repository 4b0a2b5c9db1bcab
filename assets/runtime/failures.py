"""What a person can mend, or has done, is one sentence on Dagster's pages, without a traceback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.errors import DagsterUserCodeProcessError
from dagster._utils.error import SerializableErrorInfo


class OneSentence(dg.Failure, DagsterUserCodeProcessError):
    """Fails a step with a sentence; it is not tried again.

    Dagster shows the traceback even of a :class:`dagster.Failure`, unless the exception brings what is to be shown
    with it, as those from other processes do.
    """

    def __init__(self, sentence: str) -> None:
        Exception.__init__(self, sentence)
        self.description, self.metadata, self.allow_retries = sentence, {}, False
        self.user_code_process_error_infos = [SerializableErrorInfo(sentence, stack=[], cls_name="UserError")]


class Stopped(dg.DagsterExecutionInterruptedError, DagsterUserCodeProcessError):
    """Dagster's own interrupt, with a sentence in place of a traceback."""

    def __init__(self, sentence: str) -> None:
        BaseException.__init__(self, sentence)
        kind = dg.DagsterExecutionInterruptedError.__name__  # by which Dagster knows it when it comes from a process
        self.user_code_process_error_infos = [SerializableErrorInfo(sentence, stack=[], cls_name=kind)]


@contextmanager
def stopped_in_one_sentence(say: Callable[[], str]) -> Iterator[None]:
    """An interrupt that leaves the block says what ``say`` gives. To be the outermost: it is an ``Exception``, too."""
    try:
        yield
    except dg.DagsterExecutionInterruptedError:
        raise Stopped(say()) from None
