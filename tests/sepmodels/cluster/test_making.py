"""The seam: parts are made by other processes, and whatever becomes of these, the head has each part once."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sepmodels.cluster import making
from sepmodels.cluster.part import PartFolder
from sepmodels.cluster.same_code import versions_of
from sepmodels.errors import UserError
from tests.cluster_engine import Heard, Processes, settings
from tests.cluster_parts import COUNT, FAIL, HANG, part

LIBRARIES = versions_of(("numpy",))


def made(path: Path) -> int:
    """How many workers have made a counted part."""
    return len(path.with_suffix(".made").read_text().splitlines())


def test_parts_run_beside_each_other_and_the_head_hears_curves_progress_and_ends(
    engine: Processes, tmp_path: Path
) -> None:
    places = [tmp_path / name for name in ("one", "two")]
    parts = [part(place.name, COUNT, to=40, place=str(place)) for place in places]
    parts.append(part("bad", FAIL, sentence="The file x.wav is empty: remove it.", person=True))
    heard = Heard()
    results = making.make_parts(parts, tmp_path / "parts", settings(), LIBRARIES, heard)
    assert [results[name].value for name in ("one", "two")] == [40, 40]
    assert (results["bad"].outcome, results["bad"].sentence) == ("fault", "The file x.wav is empty: remove it.")
    assert heard.curves == {name: list(range(1, 41)) for name in ("one", "two")}
    assert heard.shown[-1][0] == 80
    assert len(engine.begun) == 3  # a fault that a person has to mend is not tried again


@pytest.mark.usefixtures("engine")
def test_a_part_that_is_killed_goes_on_from_what_it_saved_and_its_curve_is_told_once(tmp_path: Path) -> None:
    parts = [
        part("killed", COUNT, to=20, place=str(tmp_path / "killed"), die_at=10),
        part("always", COUNT, to=20, place=str(tmp_path / "always"), die_at=1, always=True),
    ]
    heard = Heard()
    results = making.make_parts(parts, tmp_path / "parts", settings(retries=1), LIBRARIES, heard)
    assert (results["killed"].outcome, results["always"].outcome) == ("done", "fault")
    assert heard.curves["killed"] == list(range(1, 21))
    assert "killed is begun again: it ended without a word: killed, most likely." in heard.said
    assert results["always"].sentence.startswith("always was tried 2 times in vain; the last time it ended without")


def test_an_engine_that_does_not_take_a_part_again_is_asked_until_it_does(
    engine: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "AWAY_SECONDS", 0.3)
    engine.refuses = [False, True, True, True, True, False]
    parts = [part("killed", COUNT, to=20, place=str(tmp_path / "killed"), die_at=10)]
    heard = Heard()
    results = making.make_parts(parts, tmp_path / "parts", settings(retries=1), LIBRARIES, heard)
    assert results["killed"].outcome == "done"
    assert engine.refuses == []
    assert len([said for said in heard.said if said.startswith("killed is begun again")]) == 1
    assert "slurm does not take killed, and is asked again: Socket timed out" in heard.said


def test_a_part_that_the_engine_goes_on_to_refuse_is_given_up_and_the_others_go_on(
    engine: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "REFUSED_SECONDS", 0.3)
    engine.refuses = [False, *[True] * 1000]
    parts = [
        part("killed", COUNT, to=20, place=str(tmp_path / "killed"), die_at=10),
        part("other", COUNT, to=20, place=str(tmp_path / "other")),
    ]
    results = making.make_parts(parts, tmp_path / "parts", settings(retries=1), LIBRARIES, Heard())
    said = "killed was tried 2 times in vain; the last time slurm did not take it: Socket timed out."
    assert (results["killed"].outcome, results["killed"].sentence) == ("fault", said)
    assert results["other"].value == 20


def test_an_engine_that_does_not_take_parts_at_first_is_a_fault_to_mend(engine: Processes, tmp_path: Path) -> None:
    engine.refuses = [True]
    parts = [part("one", COUNT, to=1, place=str(tmp_path / "one"))]
    with pytest.raises(UserError, match=r"^slurm did not take the parts: Socket timed out$"):
        making.make_parts(parts, tmp_path / "parts", settings(), LIBRARIES, Heard())


@pytest.mark.usefixtures("engine")
def test_a_part_that_tells_nothing_for_too_long_is_ended_and_begun_again(tmp_path: Path) -> None:
    heard = Heard()
    silent = settings(silent_minutes=6 / 60)
    parts = [part("silent", HANG, place=str(tmp_path / "hung"))]
    assert making.make_parts(parts, tmp_path / "parts", silent, LIBRARIES, heard)["silent"].value == "went on"
    assert "silent is begun again: it told nothing for 0.1 minutes." in heard.said
    assert "silent: It did not hang." in heard.said


def test_an_interrupt_reaches_the_parts_which_save_and_the_next_head_goes_on(engine: Processes, tmp_path: Path) -> None:
    place = tmp_path / "counted"
    gate = tmp_path / "gate"
    parts = [part("counted", COUNT, to=100, place=str(place), wait_at=50, gate=str(gate))]
    with pytest.raises(KeyboardInterrupt):
        making.make_parts(parts, tmp_path / "parts", settings(), LIBRARIES, Heard(stop_at=1))
    assert not engine.states({str(one.pid) for one in engine.begun})
    saved = int(place.read_text())
    assert 0 < saved < 50
    gate.touch()
    heard = Heard()
    assert making.make_parts(parts, tmp_path / "parts", settings(), LIBRARIES, heard)["counted"].outcome == "done"
    assert heard.curves["counted"] == list(range(1, 101))
    assert heard.shown[0][0] > saved


def test_a_head_that_is_started_again_finds_its_running_parts_and_ends_those_of_other_settings(
    engine: Processes, tmp_path: Path
) -> None:
    kept = part("kept", COUNT, to=150, place=str(tmp_path / "kept"))
    other = part("other", COUNT, to=100_000, place=str(tmp_path / "other"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making._Making, "end", lambda _: None)  # as if it were killed
        with pytest.raises(KeyboardInterrupt):
            making.make_parts([kept, other], tmp_path / "parts", settings(), LIBRARIES, Heard(stop_at=2))
    heard = Heard()
    changed = part("other", COUNT, to=5, place=str(tmp_path / "changed"))
    results = making.make_parts([kept, changed], tmp_path / "parts", settings(), LIBRARIES, heard)
    assert {name: one.value for name, one in results.items()} == {"kept": 150, "other": 5}
    assert "Ending 1 of slurm's jobs, which were begun for something else." in heard.said
    assert len(engine.begun) == 3
    assert made(tmp_path / "kept") == 1
    assert heard.curves["kept"] == list(range(1, 151))


def test_of_two_workers_for_one_part_the_second_waits_and_finds_it_made(engine: Processes, tmp_path: Path) -> None:
    place = tmp_path / "counted"
    counted = part("counted", COUNT, to=50, place=str(place))
    thread = threading.Thread(
        target=making.make_parts, args=([counted], tmp_path / "parts", settings(), LIBRARIES, Heard())
    )
    thread.start()
    folder = tmp_path / "parts" / "counted"
    while not place.exists():
        time.sleep(0.02)
    words = [*engine.begun[0].args]
    second = subprocess.run(words, check=True, capture_output=True, text=True)
    thread.join()
    assert second.stdout == "Another worker makes this part: waiting.\n"
    lines = PartFolder(folder).events.read_text().splitlines()
    numbers = [json.loads(line)["step"] for line in lines if '"step":' in line]
    assert numbers == [*range(1, 51), *range(1, 51)]  # the second only tells what is there


@pytest.mark.parametrize(
    ("digest", "libraries", "said"),
    [("", ["numpy=0.1"], "The cluster's machine has other libraries than the head (numpy "), ("x", [], "The code in ")],
)
def test_a_worker_with_other_code_or_libraries_than_the_head_makes_nothing(
    tmp_path: Path, digest: str, libraries: list[str], said: str
) -> None:
    folder = PartFolder(tmp_path / "part")
    folder.write(part("part", COUNT, to=1, place=str(tmp_path / "counted")))
    words = [sys.executable, "-m", "sepmodels.cluster.worker", "--digest", digest, "--libraries", *libraries]
    subprocess.run([*words, "--", str(folder.path)], check=False)
    result = folder.result()
    assert result is not None
    assert result.outcome == "fault"
    assert result.sentence.startswith(said)
    assert not (tmp_path / "counted").exists()
