import threading

import pytest

from sepmodels.errors import UserError
from sepmodels.parallel import for_each


def test_results_and_faults_come_in_the_order_of_the_items_whatever_ends_first() -> None:
    last_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 5:
            last_is_done.set()
        if number == 0:
            last_is_done.wait(10)
        if number in (1, 3):
            raise UserError(f"{number} is odd.")
        return 10 * number

    results, faults = for_each(work, range(6), workers=3)
    assert results == [0, 20, 40, 50]
    assert [str(fault) for fault in faults] == ["1 is odd.", "3 is odd."]


def test_an_interrupt_drops_what_has_not_begun() -> None:
    begun = []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def work(number: int) -> None:
        begun.append(number)
        threading.Event().wait(0.05)

    with pytest.raises(KeyboardInterrupt):
        for_each(work, range(100), workers=1, progress=interrupt)
    assert len(begun) < 10


def test_another_error_than_a_users_ends_the_work_and_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        for_each(lambda number: 1 // number, [1, 0, 2], workers=1)
