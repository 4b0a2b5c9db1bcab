"""Why a step failed is one line that says what was wrong."""

import sqlite3
import sys

import pytest
from dagster._core.executor.child_process_executor import ChildProcessCrashException
from dagster._utils.error import serializable_error_info_from_exc_info
from sqlalchemy.exc import OperationalError

from pipelines.running.reasons import reason_of


def reason(error: Exception) -> str:
    try:
        raise error
    except Exception:
        return reason_of(serializable_error_info_from_exc_info(sys.exc_info()))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no such key"), "ValueError: no such key"),
        (RuntimeError("Error(s) in loading:\n\tMissing key(s)\n"), "RuntimeError: Error(s) in loading: Missing key(s)"),
        (AssertionError(), "AssertionError"),
        (
            OperationalError("SELECT 1\nFROM runs", (), sqlite3.OperationalError("database is locked")),
            "OperationalError: (sqlite3.OperationalError) database is locked",
        ),
        (
            ChildProcessCrashException(12, -9),
            "its process was killed, as the system does when memory runs out; "
            "`sepbench run` with the same options goes on from here.",
        ),
    ],
)
def test_a_reason_is_the_kind_of_the_error_and_what_it_says(error: Exception, line: str) -> None:
    assert reason(error) == line


def test_a_long_reason_is_cut() -> None:
    assert len(reason(ValueError("x" * 10_000))) < 400
