"""The cache of a node: bounded, checked by checksum, and what is read stays readable."""

from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from sepmodels.cluster import node_cache
from sepmodels.cluster.engine import Unreached
from sepmodels.cluster.node_cache import NodeCache, Stamp
from sepmodels.cluster.storage import Storage, blob
from sepmodels.errors import UserError
from sepmodels.files import hash_file


@pytest.fixture
def storage() -> Storage:
    return Storage(f"memory://{uuid4().hex}")


def kept(storage: Storage, folder: Path, number: int) -> Stamp:
    """An array of about a kilobyte, in the storage."""
    file = folder / f"{number}.npy"
    np.save(file, np.full(250, number, np.int32))
    stamp = Stamp(hash_file(file), file.stat().st_size)
    storage.upload(file, blob(stamp.checksum))
    return stamp


def test_what_was_used_last_stays_within_the_bound_and_is_not_fetched_again(storage: Storage, tmp_path: Path) -> None:
    stamps = [kept(storage, tmp_path, number) for number in range(3)]
    cache = NodeCache(tmp_path / "node", 2500)
    fetched = []
    for number in (0, 1, 0, 2, 0, 1):
        place = tmp_path / "work" / "one.npy"
        fetched.append(cache.place({place: stamps[number]}, storage, print) > 0)
        assert np.load(place)[0] == number
        place.unlink()
        assert sum(file.stat().st_size for file in (tmp_path / "node" / "blobs").rglob("*") if file.is_file()) <= 2500
    assert fetched == [True, True, False, True, False, True]


def test_a_file_that_is_read_is_not_evicted_and_whoever_needs_its_room_waits(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (kept(storage, tmp_path, number) for number in range(2))
    cache = NodeCache(tmp_path / "node", 1500)
    read = tmp_path / "work" / "first.npy"
    cache.place({read: first}, storage, print)
    mapped = np.load(read, mmap_mode="r")
    said: list[str] = []
    monkeypatch.setattr(node_cache.time, "sleep", lambda _: read.unlink())
    cache.place({tmp_path / "work" / "second.npy": second}, storage, said.append)
    assert said == ["The node's cache is full of what other workers read: waiting for them."]
    assert mapped[0] == 0
    assert mapped[-1] == 0


def test_what_is_damaged_in_the_storage_is_named_and_removed_so_that_it_is_uploaded_again(
    storage: Storage, tmp_path: Path
) -> None:
    stamp = kept(storage, tmp_path, 1)
    (tmp_path / "bad").write_bytes(b"x" * stamp.size)
    storage.upload(tmp_path / "bad", blob(stamp.checksum))
    with pytest.raises(Unreached, match="is missing or damaged: it is uploaded again"):
        NodeCache(tmp_path / "node", 1e6).place({tmp_path / "here": stamp}, storage, print)
    assert storage.size(blob(stamp.checksum)) is None
    assert not (tmp_path / "here").exists()


def test_a_part_that_reads_more_than_the_cache_may_hold_is_named(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"raise storage.cache_gb in cluster.toml"):
        NodeCache(tmp_path / "node", 100).place({tmp_path / "here": Stamp("0" * 64, 101)}, storage, print)


def test_a_full_disk_is_named_and_another_node_may_go_on(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = kept(storage, tmp_path, 1)

    def full(*_words: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "download", full)
    with pytest.raises(Unreached, match=r"The disk of .* is full"):
        NodeCache(tmp_path / "node", 1e6).place({tmp_path / "here": stamp}, storage, print)
