"""Work on items a few at a time, in order and within bounded memory."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from segeval.files.memory import room_for_threads

Item = TypeVar("Item")
Done = TypeVar("Done")


def _nothing() -> None:
    """There is nothing to give up."""


def in_order(
    work: Callable[[Item], Done], items: Sequence[Item], *, workers: int, give_up: Callable[[], None] = _nothing
) -> Iterator[Done]:
    """Hand over the outcome of each item, in the order of the items.

    At most `workers + 1` items are under way or waiting, which bounds the memory however many there are.

    Args:
        give_up: called where nobody wants the rest, so that what waits for others does so no longer.

    Raises:
        MemoryError: addresses are limited, and too few are left for the threads.
    """
    workers = min(workers, len(items)) or 1
    room_for_threads(workers)
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="segeval") as pool:
        waiting: deque[Future[Done]] = deque()
        started = Barrier(workers)  # all at once, while there is room for them
        try:
            deque((pool.submit(started.wait) for _ in range(workers)), maxlen=0)
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            started.abort()  # an interrupt may leave some waiting there for others that never come
            pool.shutdown(wait=False, cancel_futures=True)
            give_up()
