"""Work on items a few at a time, in order and within bounded memory."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def in_order(work: Callable[[Item], Done], items: Sequence[Item], *, workers: int) -> Iterator[Done]:
    """Hand over the outcome of each item, in the order of the items.

    At most `workers + 1` items are under way or waiting, which bounds the memory however many there are.
    """
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="segeval") as pool:
        waiting: deque[Future[Done]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
