"""A machine that works in a data folder is seen by the others for as long as it does."""

from pathlib import Path

from assets.runtime.hosts import is_mark_present, is_present, show_presence
from sepmodels.files import mark_of
from sepmodels.machine.identity import this_host
from tests.sepmodels.machine.test_heartbeat import make_old


def test_this_machine_is_there_and_others_while_they_are_heard_of(tmp_path: Path) -> None:
    assert is_present(tmp_path, this_host())
    show_presence(tmp_path)
    (sign,) = (tmp_path / "locks" / "hosts").iterdir()
    assert sign.name == this_host()
    theirs = sign.with_name("theirs")
    assert not is_present(tmp_path, "theirs")
    theirs.touch()
    assert is_present(tmp_path, "theirs")
    assert is_mark_present(tmp_path, mark_of("theirs"))
    make_old(theirs, 8 * 86_400)
    assert not is_present(tmp_path, "theirs")
    assert not is_mark_present(tmp_path, mark_of("theirs"))
    show_presence(tmp_path)
    assert not theirs.exists()
