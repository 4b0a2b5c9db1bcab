"""Where storage cannot be used, a sentence says what to do."""

import sys

import pytest

from sepmodels.cluster.engine import Unreached
from sepmodels.cluster.storage import Storage
from sepmodels.errors import UserError


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(UserError, match=r"pip install 'sepbench\[s3\]'"):
        Storage("s3://no-such-bucket/here")


def test_a_protocol_that_is_none_is_named() -> None:
    with pytest.raises(UserError, match="give one such as s3://bucket/prefix"):
        Storage("s4://bucket")


@pytest.mark.slow
def test_a_storage_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs", reason="needs s3fs (pip install 'sepbench[s3]')")
    for name, value in {"ENDPOINT_URL": "http://127.0.0.1:1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with pytest.raises(Unreached, match=r"The storage s3://bucket does not answer: Could not connect"):
        Storage("s3://bucket").size("x")
