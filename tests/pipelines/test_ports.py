"""Where the pages listen, and who can reach them there."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from assets.paths import Paths
from pipelines.ports import is_of_this_machine_alone
from pipelines.profiles import PROFILES
from pipelines.ui import servers


@pytest.mark.parametrize(
    ("host", "alone"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)]
)
def test_only_loopback_addresses_are_this_machine_s_alone(host: str, alone: bool) -> None:
    assert is_of_this_machine_alone(host) is alone


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_whoever_opens_the_pages_to_a_network_is_told_what_that_lets_others_do(
    host: str, warned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class EnoughError(Exception):
        pass

    def stop(_: Paths) -> None:
        raise EnoughError

    monkeypatch.setattr(servers, "clear_up", stop)  # what comes after the warning
    console = Console(file=io.StringIO(), width=400)
    with pytest.raises(EnoughError):
        servers.open_pages(PROFILES["demo"], Paths(tmp_path, "demo"), host=host, port=0, console=console)
    said = console.file.getvalue()
    assert ("can start runs, and so run code here, and change or delete what was made" in said) is warned
