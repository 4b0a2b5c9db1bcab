"""Parts by object storage: workers see nothing of the head's folder, and the head has all of a product or none."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as chosen
from hypothesis import strategies as st

from sepmodels.cluster import ending, making
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


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    found = Processes()
    for module in (making, ending):
        monkeypatch.setattr(module, "engine_of", lambda _: found)
    monkeypatch.setattr(making, "ASK_SECONDS", 0.2)
    monkeypatch.setattr(making, "RESULT_SECONDS", 0.5)
    yield found
    for worker in found.begun:
        worker.wait()


def counted(place: Path, **arguments: int) -> Part:
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
    parts = [counted(place, to=260, die_at=230)]
    results = making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, heard)
    assert results["counted"].value == 260
    assert place.read_text() == "260"
    assert heard.curves["counted"] == list(range(1, 261))
    assert len(engine.begun) == 2
    assert not left(tmp_path / "bucket" / "orders")
    assert not left(tmp_path / "node" / "work")


@pytest.mark.usefixtures("engine")
def test_an_interrupt_brings_what_was_saved_to_the_head_and_the_next_head_goes_on(stored, tmp_path: Path) -> None:
    place = tmp_path / "data" / "counted"
    parts = [counted(place, to=200)]
    with pytest.raises(KeyboardInterrupt):
        making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, Heard(stop_at=1))
    saved = int(place.read_text())
    assert 0 < saved < 200
    heard = Heard()
    making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, heard)
    assert place.read_text() == "200"
    assert heard.shown[0][0] > saved


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
    found = {"result": {"outcome": "done"}, "changed": bad, "gone": []}
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
        Storage(url).upload(written(tmp_path / "file", "9"), f"orders/{name}/files/{checksum}")
    Storage(url).write(f"orders/{name}/result.json", {"result": {"outcome": "done"}, "changed": changed, "gone": []})
    with pytest.raises(Unreached, match="is not whole in"):
        order.hear()
    assert left(made) == []
    assert order.folder.result() is None


def test_the_next_head_hears_from_the_start_of_a_part_that_was_sent_more_than_once(
    engine: Processes, stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [counted(tmp_path / "data" / "counted", to=400, die_at=230)]
    with monkeypatch.context() as patch:
        patch.setattr(making._Making, "end", lambda _: None)  # it was killed
        with pytest.raises(KeyboardInterrupt):
            making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, Heard(stop_at=260))
    assert len(engine.begun) == 2
    heard = Heard()
    results = making.make_parts(parts, tmp_path / "parts" / "step", stored, LIBRARIES, heard)
    assert len(engine.begun) in (2, 3)  # one that ended meanwhile is handed over once more, and found made
    assert results["counted"].value == 400
    assert heard.curves["counted"] == list(range(1, 401))


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file
