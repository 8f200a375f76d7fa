"""Work is done a few items at a time, and handed over in order."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from segeval.verbs.running.stream import in_order


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_outcomes_come_in_the_order_of_the_items(workers: int) -> None:
    def work(i: int) -> int:
        time.sleep(0.001 * (5 - i % 5))  # later ones are done earlier
        return i * i

    assert list(in_order(work, range(20), workers=workers)) == [i * i for i in range(20)]


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_items_are_begun_than_can_be_waited_for(workers: int) -> None:
    begun: list[int] = []
    outcomes = in_order(lambda i: begun.append(i) or i, range(100), workers=workers)
    for taken in range(1, 10):
        next(outcomes)
        time.sleep(0.01)
        assert len(begun) <= taken + workers + 1
    outcomes.close()


def test_an_error_comes_when_it_is_its_turn_and_ends_the_rest() -> None:
    begun: list[int] = []

    def work(i: int) -> int:
        begun.append(i)
        if i == 2:
            raise ValueError("third")
        return i

    outcomes = in_order(work, range(1000), workers=2)
    assert [next(outcomes), next(outcomes)] == [0, 1]
    with pytest.raises(ValueError, match="third"):
        next(outcomes)
    assert len(begun) < 10


def test_a_consumer_that_stops_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    outcomes = in_order(lambda i: i, range(1000), workers=4)
    next(outcomes)
    outcomes.close()
    assert threading.active_count() == before


def test_an_interrupt_while_threads_start_leaves_none_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    before, submit = threading.active_count(), ThreadPoolExecutor.submit

    def interrupted(pool: ThreadPoolExecutor, work: Callable[[], object]) -> object:
        if threading.active_count() > before:
            raise KeyboardInterrupt
        return submit(pool, work)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(in_order(lambda i: i, range(10), workers=4))
    assert threading.active_count() == before


def test_without_items_there_is_nothing_to_do() -> None:
    assert list(in_order(lambda i: i, [], workers=2)) == []
