"""An interrupt is not lost where Python ignores exceptions."""

import os
import signal

import pytest

from assets.runtime.interrupts import noted_interrupts, raise_lost


class Interrupted(BaseException):
    pass


class Collected:
    """Is interrupted while it is collected as garbage."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass  # the handler runs between two instructions


def collect_an_interrupt() -> None:
    Collected()  # and at once forgotten


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise Interrupted

    signal.signal(signal.SIGINT, interrupt)
    monkeypatch.setattr("assets.runtime.interrupts._lost", False)


@pytest.mark.usefixtures("raising")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_ignored_is_raised_again() -> None:
    with noted_interrupts():
        collect_an_interrupt()
        with pytest.raises(Interrupted):
            raise_lost()


@pytest.mark.usefixtures("raising")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_a_step_ignored_to_its_end_is_raised_by_the_next() -> None:
    with noted_interrupts():
        collect_an_interrupt()
    with pytest.raises(Interrupted):
        raise_lost()


@pytest.mark.usefixtures("raising")
def test_an_interrupt_that_was_heard_is_not_raised_again() -> None:
    with pytest.raises(Interrupted), noted_interrupts():
        os.kill(os.getpid(), signal.SIGINT)
    raise_lost()
