"""Parts by object storage: workers see nothing of the head's folder, and the head has all of a product or none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as chosen
from hypothesis import strategies as st

from sepmodels.cluster import making
from sepmodels.cluster.engine import Unreached
from sepmodels.cluster.node_cache import NodeCache
from sepmodels.cluster.orders import Order
from sepmodels.cluster.part import Files, Part, PartFolder, Result
from sepmodels.cluster.same_code import versions_of
from sepmodels.cluster.settings import StorageSettings
from sepmodels.cluster.storage import Storage
from sepmodels.cluster.working_folder import WorkingFolder
from tests.cluster_engine import Heard, Processes, settings
from tests.cluster_parts import COUNT

LIBRARIES = versions_of(("numpy",))
SAVED = "{}/bucket/orders/*/saved.json"


def counted(place: Path, **arguments: Any) -> Part:
    made = (str(place), str(place.with_suffix(".made")))
    files = Files(made, made, roots=(str(place),))
    return Part("counted", COUNT, {"place": str(place), **arguments}, files=files)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(making, "OUTPUTS", tmp_path)
    storage = StorageSettings((tmp_path / "bucket").as_uri(), str(tmp_path / "node"), 0.001)
    return settings(storage=storage, retries=1)


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_part_that_is_killed_goes_on_from_what_it_had_uploaded(engine: Processes, stored, tmp_path: Path) -> None:
    place = tmp_path / "data" / "counted"
    heard = Heard()
    parts = [counted(place, to=100, die_at=60, saved=SAVED.format(tmp_path))]
    results = making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, heard)
    assert results["counted"].value == 100
    assert place.read_text() == "100"
    assert heard.curves["counted"] == list(range(1, 101))
    assert len(engine.begun) == 2
    assert not left(tmp_path / "bucket" / "orders")
    assert not left(tmp_path / "node" / "work")


@pytest.mark.usefixtures("engine")
def test_an_interrupt_brings_what_was_saved_to_the_head_and_the_next_head_goes_on(stored, tmp_path: Path) -> None:
    place = tmp_path / "data" / "counted"
    gate = tmp_path / "gate"
    parts = [counted(place, to=100, wait_at=50, gate=str(gate))]
    with pytest.raises(KeyboardInterrupt):
        making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, Heard(stop_at=1))
    saved = int(place.read_text())
    assert 0 < saved < 50
    gate.touch()
    heard = Heard()
    making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, heard)
    assert place.read_text() == "100"
    assert heard.shown[0][0] > saved
    assert heard.curves["counted"] == list(range(1, 101))


@chosen(max_examples=25, deadline=None)
@given(st.integers(0, 14))
def test_whenever_an_upload_is_cut_off_the_head_sees_no_half_of_a_product(
    tmp_path_factory: pytest.TempPathFactory, calls: int
) -> None:
    tmp_path = tmp_path_factory.mktemp("cut")
    url = f"memory://{uuid4().hex}"
    made = tmp_path / "data" / "made"
    made.mkdir(parents=True)
    (made / "old").write_text("old")
    folder = PartFolder(tmp_path / "parts" / "step" / "one")
    order = Order(folder)
    name = order.send(Part("one", COUNT, {}, files=Files((str(made),), (str(made),))), url, print)
    working = WorkingFolder(url, NodeCache(tmp_path / "node", 1e6), name)
    with working.held():
        working.prepare(print)
        here = working.view / str(made).lstrip("/")
        (here / "old").unlink()
        for number in range(3):
            (here / f"new-{number}").write_text(f"{number}" * 1000)
        plain, left_calls = working.storage._do, [calls]

        def cut_off(work):
            if not left_calls[0]:
                raise Unreached("cut off")
            left_calls[0] -= 1
            return plain(work)

        working.storage._do = cut_off
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sepmodels.cluster.working_folder.TRIES", 1)
            try:
                working.end(Result("done"))
                whole = True
            except Unreached:
                whole = False
    order.hear()
    assert (folder.result() is not None) == whole
    assert sorted(path.name for path in made.iterdir()) == (["new-0", "new-1", "new-2"] if whole else ["old"])


def test_what_a_worker_names_outside_of_what_its_part_makes_is_not_taken(tmp_path: Path) -> None:
    url = f"memory://{uuid4().hex}"
    order = Order(PartFolder(tmp_path / "parts" / "step" / "one"))
    name = order.send(counted(tmp_path / "data" / "made" / "new", to=1), url, print)
    bad = {str(tmp_path / "data" / "made" / ".." / "x"): {"checksum": "0" * 64, "size": 1}}
    found = {"result": {"outcome": "done"}, "worker": "one", "changed": bad, "gone": []}
    Storage(url).write(f"orders/{name}/result.json", json.loads(json.dumps(found)))
    with pytest.raises(Unreached, match="which its part does not make"):
        order.hear()


def test_of_files_that_are_not_all_whole_none_is_taken_and_nothing_half_written_stays(tmp_path: Path) -> None:
    url = f"memory://{uuid4().hex}"
    made = tmp_path / "data" / "made"
    order = Order(PartFolder(tmp_path / "parts" / "step" / "one"))
    name = order.send(Part("one", COUNT, {}, files=Files((), (str(made),))), url, print)
    changed = {str(made / f"{number}"): {"checksum": f"{number}" * 64, "size": 1} for number in range(10)}
    whole = sha256(b"9").hexdigest()
    changed[str(made / "9")]["checksum"] = whole
    for checksum in ("3" * 64, whole):
        Storage(url).upload(written(tmp_path / "file", "9"), f"orders/{name}/workers/one/files/{checksum}")
    found = {"result": {"outcome": "done"}, "worker": "one", "changed": changed, "gone": []}
    Storage(url).write(f"orders/{name}/result.json", found)
    order.hear()
    assert left(made) == []
    result = order.folder.result()
    assert result is not None
    assert (result.outcome, result.sentence) == ("error", f"{made / '0'} is not whole in {url}")
    said: list[str] = []
    order.close(said.append)
    assert said == [f"one does without what it uploaded last: {made / '0'} is not whole in {url}."]
    assert not Storage(url).names_below("orders")


@pytest.mark.parametrize("goes_on", [True, False])
def test_the_next_head_hears_from_the_start_of_a_part_that_was_sent_more_than_once(
    engine: Processes, stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goes_on: bool
) -> None:
    gate = tmp_path / "gate"
    waits = {"saved": SAVED.format(tmp_path), "wait_at": 100, "gate": str(gate)}
    parts = [counted(tmp_path / "data" / "counted", to=120, die_at=60, **waits)]
    with monkeypatch.context() as patch:
        patch.setattr(making._Making, "end", lambda _: None)  # it was killed
        with pytest.raises(KeyboardInterrupt):
            making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, Ends())
    assert len(engine.begun) == 2
    heard = Opens(gate=gate)
    if not goes_on:
        gate.touch()
        engine.begun[-1].wait()
    results = making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, heard)
    assert len(engine.begun) == (2 if goes_on else 3)  # what has ended meanwhile is handed over once more
    assert results["counted"].value == 120
    assert heard.curves["counted"] == list(range(1, 121))


class Ends(Heard):
    """A head that ends once its part has come beyond where it dies."""

    def log(self, part: Part, figures: Mapping[str, float], step: int) -> None:
        super().log(part, figures, step)
        if step == 90:
            raise KeyboardInterrupt


@dataclass
class Opens(Heard):
    """A head that lets its part go on once it has found it."""

    gate: Path = Path()

    def warn(self, sentence: str) -> None:
        if "goes on in" in sentence:
            self.gate.touch()
        self.say(sentence)


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file
