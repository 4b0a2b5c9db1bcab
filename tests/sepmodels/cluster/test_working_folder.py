"""A worker's side of object storage: what it uploads reaches the head, whoever else works there and whatever fails."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from sepmodels.cluster import worker
from sepmodels.cluster.engine import Unreached
from sepmodels.cluster.events import Tail, Told
from sepmodels.cluster.node_cache import NodeCache
from sepmodels.cluster.orders import Order
from sepmodels.cluster.part import Files, Part, PartFolder, Result
from sepmodels.cluster.storage import Storage
from sepmodels.cluster.working_folder import WorkingFolder
from tests.cluster_parts import COUNT


class Head:
    """A head that has sent a part."""

    def __init__(self, folder: Path) -> None:
        self.made, self.node = folder / "data" / "made", folder / "node"
        self.url = f"memory://{uuid4().hex}"
        self.folder = PartFolder(folder / "parts" / "step" / "one")
        self.order = Order(self.folder)
        self.name = self.order.send(Part("one", COUNT, {}, files=Files(makes=(str(self.made),))), self.url, print)

    def steps(self) -> list[int]:
        self.order.hear()
        return [event["step"] for event in Tail(self.folder.events).news() if event["figures"]]


class Worker:
    """One of its workers, as far as it uploads."""

    def __init__(self, head: Head) -> None:
        self.working = WorkingFolder(head.url, NodeCache(head.node, 1e6), head.name)
        self._made = self.working.view / str(head.made).lstrip("/")

    def write(self, name: str, text: str) -> None:
        self._made.mkdir(exist_ok=True)
        (self._made / name).write_text(text)

    def read(self, name: str) -> str:
        return (self._made / name).read_text()

    def tell(self, *steps: int) -> None:
        for step in steps:
            Told(self.working.folder.events).log({"loss": 0.5}, step)


@pytest.fixture
def head(tmp_path: Path) -> Head:
    return Head(tmp_path)


@pytest.fixture
def begin(head: Head) -> Iterator[Callable[[], Worker]]:
    with ExitStack() as stack:

        def begun() -> Worker:
            one = Worker(head)
            stack.enter_context(one.working.held())
            one.working.prepare(print)
            return one

        yield begun


def test_of_two_workers_that_are_lost_what_the_one_saved_last_is_whole(head: Head, begin: Callable[[], Worker]) -> None:
    first = begin()
    first.write("state", "1")
    first.write("curve", "1")
    first.working.send()
    second = begin()
    second.working.send()
    second.write("state", "2")  # so the first one's is no more among what the second one lists
    second.working.send()
    first.write("curve", "1, once more")
    first.working.send()
    said: list[str] = []
    head.order.close(said.append)
    assert said == []
    assert {path.name: path.read_text() for path in head.made.iterdir()} == {"state": "1", "curve": "1, once more"}


def test_of_two_workers_that_tell_at_the_same_time_every_step_is_heard(head: Head, begin: Callable[[], Worker]) -> None:
    first = begin()
    first.tell(1, 2, 3)
    first.working.send()
    second = begin()
    second.tell(1, 2)
    second.working.send()
    first.tell(4)
    first.working.send()
    head.order.hear()
    second.tell(3, 4, 5)
    second.working.send()
    assert head.steps() == [1, 2, 3, 4, 5]


def test_who_follows_a_worker_that_was_told_to_end_goes_on_from_there_and_is_taken(
    head: Head, begin: Callable[[], Worker]
) -> None:
    first = begin()
    first.write("state", "1")
    first.working.end(Result("stopped"))
    head.order.hear()
    assert head.folder.result() == Result("stopped")
    second = begin()
    assert second.read("state") == "1"
    second.write("state", "2")
    second.working.end(Result("done", value=2))
    head.order.hear()
    assert head.folder.result() == Result("done", value=2)
    assert (head.made / "state").read_text() == "2"


def test_of_who_follows_a_worker_that_was_told_to_end_and_is_lost_the_last_is_taken(
    head: Head, begin: Callable[[], Worker]
) -> None:
    first = begin()
    first.write("state", "1")
    first.working.end(Result("stopped"))
    second = begin()
    second.write("state", "2")
    second.working.send()
    head.order.close(print)
    assert (head.made / "state").read_text() == "2"


def test_lines_that_follow_an_upload_of_which_nobody_knows_whether_it_went_well_are_heard(
    head: Head, begin: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = begin()
    one.tell(1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(one.working.storage, "_do", lambda work: _timed_out(work()))
        with pytest.raises(Unreached):
            one.working.send()
    head.order.hear()
    one.tell(3)
    one.working.end(Result("done"))
    assert head.steps() == [1, 2, 3]


def test_what_is_lost_in_the_storage_is_given_up_with_a_sentence(head: Head, begin: Callable[[], Worker]) -> None:
    one = begin()
    one.write("state", "1")
    one.working.send()
    storage = Storage(head.url)
    storage.remove(f"orders/{head.name}/workers")
    said: list[str] = []
    head.order.close(said.append)
    assert said == [f"one does without what it uploaded last: {head.made / 'state'} is not whole in {head.url}."]
    assert not head.made.exists() or not list(head.made.iterdir())
    assert head.folder.order() == {}


def test_who_is_told_to_end_while_the_last_is_uploaded_uploads_it(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    def told_to_end(self: WorkingFolder) -> None:
        self._ended.wait()
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(WorkingFolder, "_go_on", told_to_end)
    monkeypatch.setattr(worker, "_made", lambda *_: Result("done", value=7))
    before = signal.signal(signal.SIGTERM, worker._stop)
    try:
        with pytest.raises(worker.Stop):
            worker._sent(head.name, head.url, NodeCache(head.node, 1e6), "", {})
    finally:
        signal.signal(signal.SIGTERM, before)
    head.order.hear()
    assert head.folder.result() == Result("done", value=7)


def _timed_out(_: object) -> None:
    raise Unreached("timed out")
