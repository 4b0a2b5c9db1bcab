"""What tests of the seam share."""

from collections.abc import Iterator

import pytest

from sepmodels.cluster import ending, making
from tests.cluster_engine import Processes


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    """The engine that heads find, in processes of this machine; it is asked often."""
    found = Processes()
    for module in (making, ending):
        monkeypatch.setattr(module, "engine_of", lambda _: found)
    monkeypatch.setattr(making, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(making, "ASK_SECONDS", 0.2)
    monkeypatch.setattr(making, "RESULT_SECONDS", 0.5)
    yield found
    for worker in found.begun:
        worker.wait()
