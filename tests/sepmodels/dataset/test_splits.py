from hypothesis import given
from hypothesis import strategies as st

from sepmodels.dataset.artists import artist_of
from sepmodels.dataset.splits import hold_out, musdb_validation_tracks, validation_names

names = st.frozensets(
    st.builds("{} - {}".format, st.sampled_from("ABCDEFG"), st.integers(0, 30)) | st.text(min_size=1), max_size=40
)
shares = st.floats(0.01, 0.9)


@given(names, shares, st.integers(0, 100))
def test_a_draw_holds_out_some_and_never_all(names: frozenset[str], share: float, seed: int) -> None:
    held_out = hold_out(names, share, seed)
    assert held_out < names or len(names) == 0
    assert (len(held_out) > 0) == (len(names) > 1)


@given(names, shares, st.integers(0, 100))
def test_no_artist_is_on_both_sides_unless_all_tracks_are_of_one(
    names: frozenset[str], share: float, seed: int
) -> None:
    held_out = hold_out(names, share, seed)
    if len({artist_of(name) for name in names}) > 1:
        assert {artist_of(name) for name in held_out}.isdisjoint(artist_of(name) for name in names - held_out)


def test_an_artist_is_known_with_guests_with_words_in_brackets_and_by_the_names_of_medleydb() -> None:
    pairs = ("Ann - One", "Ann feat. Bob - Two"), ("Cyd - One", "Cyd (live) - Two"), ("Dan_80sRock", "Dan_Reggae")
    for pair in pairs:
        others = [f"Artist {n} - Song" for n in range(10)]
        for seed in range(20):
            assert len(hold_out([*pair, *others], 0.3, seed) & set(pair)) in (0, 2)


@given(st.permutations([f"Artist {n} - Song" for n in range(12)]))
def test_the_draw_does_not_depend_on_the_order_of_the_tracks(names: list[str]) -> None:
    assert hold_out(names, 0.25, 42) == hold_out(sorted(names), 0.25, 42)


def test_single_songs_are_held_out_in_the_share_asked_for_and_by_the_seed() -> None:
    songs = [f"song {n:03}" for n in range(100)]
    draws = [hold_out(songs, 0.15, seed) for seed in range(5)]
    assert [len(draw) for draw in draws] == [15] * 5
    assert len(set(draws)) == 5


def test_a_track_more_hardly_changes_the_draw() -> None:
    songs = [f"song {n:03}" for n in range(100)]
    assert len(hold_out(songs, 0.15, 42) ^ hold_out([*songs, "another"], 0.15, 42)) <= 2


def test_musdb_names_fourteen_validation_tracks_and_those_that_are_there_are_used() -> None:
    official = musdb_validation_tracks()
    assert len(official) == 14
    present = sorted(official)[:3]
    training = [*present, *(f"song {n}" for n in range(50))]
    assert validation_names(training, 0.15, 42, official=True) == frozenset(present)
    assert len(validation_names(training, 0.15, 42, official=False)) == 8


def test_musdb_data_with_none_of_the_fourteen_gets_a_draw() -> None:
    training = [f"song {n}" for n in range(20)]
    assert validation_names(training, 0.15, 42, official=True) == hold_out(training, 0.15, 42)
