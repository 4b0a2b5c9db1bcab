from contextlib import closing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.errors import UserError
from sepmodels.settings import TrainingSettings
from sepmodels.training import batches as sampling
from sepmodels.training.batches import ChunkSampler

RATE = 1000
CHUNK = 50


def numbered_track(index: int, samples: int) -> np.ndarray:
    """A track whose every sample says which stem, channel and place of which track it is."""
    stem, channel, place = np.ogrid[0:5, 0:2, 0:samples]
    return (index * 8000 + stem * 1600 + channel * 800 + place).astype(np.int16)


TRACKS = [numbered_track(0, 300), numbered_track(1, 120), numbered_track(2, 51)]


def batches(feeding: str, count: int, *, seed: int = 3, tracks=TRACKS, rank=0, ranks=1, **changes):
    chosen = TrainingSettings(**({"batch": 6, "chunk_seconds": CHUNK / RATE, "feeding": feeding} | changes))
    sampler = ChunkSampler(tracks, chosen, seed=seed, device="cpu", sample_rate_hz=RATE, rank=rank, ranks=ranks)
    with closing(sampler):
        assert sampler.feeding == feeding
        return [sampler.next_batch() for _ in range(count)]


def assert_same(first, second) -> None:
    for (mixture, target), (other_mixture, other_target) in zip(first, second, strict=True):
        assert torch.equal(mixture, other_mixture)
        assert torch.equal(target, other_target)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), remix=st.booleans(), swap=st.sampled_from([0.0, 0.5, 1.0]))
def test_the_same_seed_gives_the_same_batches_from_device_host_and_disk(seed, remix, swap):
    chosen = {"seed": seed, "remix": remix, "swap_probability": swap}
    device, host, disk = (batches(feeding, 3, **chosen) for feeding in ("device", "host", "disk"))
    assert_same(device, host)
    assert_same(device, disk)


def test_another_seed_gives_other_batches():
    assert not torch.equal(batches("host", 1, seed=1)[0][0], batches("host", 1, seed=2)[0][0])


def test_memory_mapped_tracks_give_the_same_batches_as_arrays(tmp_path):
    for index, track in enumerate(TRACKS):
        np.save(tmp_path / f"{index}.npy", track)
    mapped = [np.load(tmp_path / f"{index}.npy", mmap_mode="r") for index in range(len(TRACKS))]
    assert_same(batches("disk", 3, tracks=mapped), batches("host", 3))


@pytest.mark.parametrize("feeding", ["host", "disk"])
def test_a_target_is_an_excerpt_of_some_tracks_vocals_with_one_gain_and_channels_in_either_order(feeding):
    for _, target in batches(feeding, 5, gain_low=1.0, gain_high=1.0):
        for chunk in (target * 32768).round().long():
            channels = {(int(first) - 4 * 1600) % 8000 // 800 for first in chunk[:, 0]}
            assert channels == {0, 1}
            assert (chunk.diff(dim=1) == 1).all()


def test_with_a_fixed_gain_and_no_remix_the_mixture_is_that_of_the_track():
    one_place = {"gain_low": 1.0, "gain_high": 1.0, "remix": False, "swap_probability": 0.0}
    mixture, target = batches("host", 1, **one_place)[0]
    # the four stems at one place differ by 1600 each: their sum is 4 x vocals - 1600 x (1 + 2 + 3)
    torch.testing.assert_close(mixture * 32768, 4 * target * 32768 - 9600, atol=0.1, rtol=0)


@pytest.mark.parametrize("feeding", ["device", "host", "disk"])
def test_a_track_shorter_than_a_chunk_is_used_whole_with_silence_after_it(feeding):
    short = np.full((5, 2, 20), 16384, np.int16)
    mixture, target = batches(feeding, 1, tracks=[short], gain_low=1.0, gain_high=1.0)[0]
    assert (mixture[..., :20] == 2.0).all()
    assert (target[..., :20] == 0.5).all()
    assert not mixture[..., 20:].any()


@pytest.mark.parametrize("feeding", ["host", "disk"])
def test_a_state_belongs_to_the_next_batch_whatever_has_been_read_ahead(feeding):
    chosen = TrainingSettings(batch=4, chunk_seconds=CHUNK / RATE, feeding=feeding)
    with (
        closing(ChunkSampler(TRACKS, chosen, seed=1, device="cpu", sample_rate_hz=RATE)) as first,
        closing(ChunkSampler(TRACKS, chosen, seed=2, device="cpu", sample_rate_hz=RATE)) as second,
    ):
        second.next_batch()
        for _ in range(3):
            first.next_batch()
        second.load_state_dict(first.state_dict())
        expected = [first.next_batch() for _ in range(4)]
        assert_same(expected, [second.next_batch() for _ in range(4)])


def test_stems_for_another_device_are_mixed_there_to_the_same_batches():
    chosen = TrainingSettings(batch=6, chunk_seconds=CHUNK / RATE, feeding="disk")
    with closing(ChunkSampler(TRACKS, chosen, seed=3, device="cpu", sample_rate_hz=RATE)) as sampler:
        draws = sampler._draw()
    elsewhere = sampling.HostChunks([track[1:] for track in TRACKS], CHUNK, torch.device("meta"))
    stems, gain = elsewhere.read(draws).result()
    elsewhere.threads.shutdown()
    assert_same([sampling.augment.mix(stems, gain)], batches("disk", 1))


@pytest.mark.parametrize("ranks", [2, 3])
def test_several_processes_share_the_batch_that_one_would_have(ranks):
    (whole_mixture, whole_target) = batches("host", 2)[1]
    for rank in range(ranks):
        mixture, target = batches("host", 2, rank=rank, ranks=ranks)[1]
        assert torch.equal(mixture, whole_mixture[rank::ranks])
        assert torch.equal(target, whole_target[rank::ranks])


def test_chunks_come_from_host_memory_when_the_tracks_fit_and_from_disk_when_not(monkeypatch):
    size = sum(track[1:].nbytes for track in TRACKS)
    for free, expected in ((2 * size, "host"), (2 * size - 1, "disk")):
        monkeypatch.setattr(sampling, "free_host_bytes", lambda free=free: free)
        assert sampling.choose_feeding(TRACKS, torch.device("cpu")) == expected


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_large_dataset_stays_on_disk_however_much_memory_is_free(monkeypatch, device):
    size = sum(track[1:].nbytes for track in TRACKS)
    monkeypatch.setattr(sampling, "free_host_bytes", lambda: 100 * size)
    monkeypatch.setattr(sampling, "free_device_bytes", lambda _: 0)
    for most, expected in ((size, "host"), (size - 1, "disk")):
        monkeypatch.setattr(sampling, "MOST_HOST_BYTES", most)
        assert sampling.choose_feeding(TRACKS, torch.device(device)) == expected


def test_chunks_come_from_the_device_when_the_tracks_fit_there(monkeypatch):
    size = sum(track[1:].nbytes for track in TRACKS)
    monkeypatch.setattr(sampling, "free_host_bytes", lambda: 2 * size)
    for free, expected in ((2 * size, "device"), (2 * size - 1, "host")):
        monkeypatch.setattr(sampling, "free_device_bytes", lambda _, free=free: free)
        assert sampling.choose_feeding(TRACKS, torch.device("cuda")) == expected


@pytest.mark.parametrize(("device", "else_from"), [("cuda", "host"), ("cpu", "disk")])
def test_a_memory_budget_holds_for_the_samples_too(monkeypatch, device, else_from):
    size = sum(track[1:].nbytes for track in TRACKS)
    monkeypatch.setattr(sampling, "free_device_bytes", lambda _: 100 * size)
    monkeypatch.setattr(sampling, "free_host_bytes", lambda: 100 * size)
    for budget, expected in ((2 * size, "device" if device == "cuda" else "host"), (2 * size - 1, else_from)):
        chosen = sampling.choose_feeding(TRACKS, torch.device(device), 1, budget / sampling.GIB)
        assert chosen == expected


def test_what_was_chosen_is_said_in_the_log(caplog):
    with caplog.at_level("INFO", logger="sepmodels.training.batches"):
        batches("disk", 1)
    assert "Chunks are read from disk" in caplog.text


def test_an_empty_training_split_is_refused():
    with pytest.raises(UserError, match="no track to train on"):
        batches("host", 1, tracks=[])
