"""Work on the workers of a Dask cluster. Only what comes of it travels back; images stay where they are read.

A worker that dies does not say why: its machine may have been taken away, or a file may have made it take more memory
than there is. So whatever it was at is tried once more, alone: nothing else is under way then, and an item whose worker
dies again is the one that kills it. Items that only lay beside it are never blamed.
"""

import logging
import os
import pickle
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from threading import Condition
from types import TracebackType
from typing import Any, Generic, TypeVar
from uuid import uuid4

from dask import config
from distributed import Client, KilledWorker, LocalCluster
from distributed.diagnostics.plugin import SchedulerPlugin

from segeval.errors import ConfigError, UnfinishedError
from segeval.images.readers.streams import reason_of
from segeval.verbs.running.kept import this_version

LOCAL = "local:"
Item = TypeVar("Item")
Done = TypeVar("Done")
_SECONDS = 5  # until an address counts as one that does not answer
_LEAST_WAITING = 64  # items that are handed out at a time, since a cluster may get more workers at any time


class Cluster(AbstractContextManager["Cluster[Item, Done]"], Generic[Item, Done]):
    """Does work on the workers of a Dask cluster.

    Args:
        where: `local:N` for N processes on this machine, else the address of a scheduler.
        work: what to do with an item, and with the settings; a function of a module that workers have, too.
        settings: sent to each worker once.
        deadly: what stands for the outcome of an item that killed two workers.

    Raises:
        ConfigError: nothing answers at the address, or what does has no such package.
    """

    def __init__(self, where: str, work: Callable[..., Done], *settings: Any, deadly: Callable[[Item], Done]) -> None:
        self.where, self._work, self._deadly = where, work, deadly
        self._name = f"segeval-{uuid4().hex[:12]}"
        self._turns = _Turns()
        self._under_way: set[Any] = set()
        self._is_over = False
        with ExitStack() as opened:
            self._client = opened.enter_context(_client(where))
            with self._same_package():
                self._client.register_plugin(_Impatience(self._name), name=self._name)
            blob = pickle.dumps((str(Path.cwd()), this_version(), pickle.dumps(settings)))
            self._settings = self._client.submit(_as_it_is, blob, key=f"settings-{self._name}", pure=False)
            self._opened = opened.pop_all()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_up()
        with suppress(Exception):  # the scheduler may be gone
            self._client.unregister_scheduler_plugin(self._name)
        self._opened.close()

    @property
    def n_threads(self) -> int:
        """How many items the workers that are there now take at a time."""
        return sum(self._client.nthreads().values())

    @property
    def n_handed_out(self) -> int:
        """How many items to hand out at a time, so that no worker waits, nor one that comes later."""
        return max(_LEAST_WAITING, 2 * self.n_threads)

    def give_up(self) -> None:
        """Wait for nothing that is under way."""
        self._is_over = True
        with suppress(Exception):
            self._client.cancel(list(self._under_way))

    def do(self, item: Item) -> Done:
        """The work on an item, by any worker; each thread that calls it waits for one.

        Raises:
            UnfinishedError: the scheduler is gone.
            Exception: what the work itself raises.
        """
        with suppress(KilledWorker), self._turns.beside_others():
            return self._done(item)
        try:
            with self._turns.alone():
                return self._done(item)
        except KilledWorker:
            return self._deadly(item)

    def _done(self, item: Item) -> Done:
        if self._is_over:
            raise CancelledError
        key = f"{self._name}-{uuid4().hex}"
        future = self._client.submit(_on_worker, self._work, item, self._settings, key=key, pure=False)
        self._under_way.add(future)
        try:
            with self._same_package():
                return future.result()
        except CancelledError as error:
            raise UnfinishedError(
                f"--dask {self.where}: the scheduler is gone. Start it again, and give the same command with --resume."
            ) from error
        finally:
            self._under_way.discard(future)

    @contextmanager
    def _same_package(self) -> Iterator[None]:
        try:
            yield
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"--dask {self.where}: {error.name} is not installed there. Install {this_version()} where its "
                "scheduler and its workers run."
            ) from error


@contextmanager
def _client(where: str) -> Iterator[Client]:
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters of it is said by us
    if where.startswith(LOCAL):
        with _processes(int(where.removeprefix(LOCAL))) as cluster, Client(cluster, set_as_default=False) as client:
            yield client
        return
    try:
        client = Client(where, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--dask {where}: no scheduler of Dask answers there. Start one with `dask scheduler`, and pass the "
            "address that it prints; --dask local:4 needs none."
        ) from error
    with client:
        yield client


def _processes(n: int) -> LocalCluster:
    try:
        with config.set({"distributed.scheduler.worker-saturation": 1.0}):  # no case waits behind a slow one
            return LocalCluster(
                n_workers=n, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
            )
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"--dask {LOCAL}{n}: its processes do not start ({reason_of(error)}). Ask for fewer, or leave out --dask."
        ) from error


class _Turns:
    """Who is under way: many beside one another, or one alone."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._n_running = self._n_lonely = 0

    @contextmanager
    def beside_others(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._n_lonely)
            self._n_running += 1
        try:
            yield
        finally:
            self._leave(lonely=0)

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._n_lonely += 1
            self._changed.wait_for(lambda: not self._n_running)
            self._n_running += 1
        try:
            yield
        finally:
            self._leave(lonely=1)

    def _leave(self, *, lonely: int) -> None:
        with self._changed:
            self._n_running -= 1
            self._n_lonely -= lonely
            self._changed.notify_all()


class _Impatience(SchedulerPlugin):
    """Lets a scheduler tell of the death of a worker at once, for our items only; by itself it tries three more."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def update_graph(self, scheduler: Any, *, keys: Any, **_: Any) -> None:
        for key in keys:
            if str(key).startswith(self.prefix):
                scheduler.tasks[key].suspicious = scheduler.allowed_failures


def _as_it_is(blob: bytes) -> bytes:
    return blob


def _on_worker(work: Callable[..., Done], item: Any, blob: bytes) -> Done:
    """The work on an item, in the working folder of whoever asked for it, so that relative paths lead where they do."""
    folder, version, settings = pickle.loads(blob)
    if version != this_version():
        raise ConfigError(f"The worker on {socket.gethostname()} has {this_version()}. Install {version} there.")
    if Path.cwd() != Path(folder):
        try:
            os.chdir(folder)
        except OSError as error:
            raise ConfigError(
                f"The worker on {socket.gethostname()} has no folder {folder} ({error.strerror}). Mount it there under "
                "the same path."
            ) from error
    return work(item, *_unpacked(settings))


@lru_cache(maxsize=4)  # of the runs that share a cluster
def _unpacked(blob: bytes) -> tuple[Any, ...]:
    """The settings of a run, of which each worker has the same objects for all items."""
    return tuple(pickle.loads(blob))
