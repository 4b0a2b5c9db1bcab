"""A failure that a person can mend is one sentence on Dagster's pages, without a traceback."""

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
