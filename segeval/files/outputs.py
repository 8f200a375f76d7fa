"""The folder that results are written to: one run at a time, nothing outside of it, and nothing that is not ours.

Whatever no record says is ours (`segeval.files.ours`) is neither replaced nor deleted, and no write or delete follows
a link out of the folder.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from types import TracebackType

from segeval.errors import ConfigError
from segeval.files.locking import LOCK, lock_folder, unlock_folder
from segeval.files.ours import CLAIMS, KEPT, RUN_FILE, STAGE, Ours
from segeval.files.paths import printable
from segeval.files.writing import PRIVATE_PREFIX, cannot_write


@dataclass(kw_only=True)
class OutputFolder:
    """A folder that one run has for itself: `with OutputFolder.open(path, kind="score") as folder`.

    Attributes:
        root: the folder with links resolved.
        is_new: it was made for this run, and goes with it where nothing came of it.
        published: files that `run.json` lists.
        claimed: files that were claimed one by one, as paths relative to the folder.
    """

    path: Path
    kind: str
    root: Path
    is_new: bool
    lock: int
    published: set[str] = field(default_factory=set)
    claimed: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, path: Path, *, kind: str, keep: Collection[str] = ()) -> "OutputFolder":
        """Create the folder, or take over one of the same kind, and keep every other run out of it.

        Args:
            kind: `score`, `shard`, `compare`, `sweep` or `training`: one does not take the place of another.
            keep: private files of a killed run that this one goes on with.

        Raises:
            ConfigError: the folder holds something else or another kind of run, another run is writing into it, or it
                cannot be written.
        """
        try:
            if path.is_file():
                raise ConfigError(
                    f"{printable(path)}: this is a file, and results need a folder. Name another with --out."
                )
            is_new = not os.path.lexists(path)
            path.mkdir(parents=True, exist_ok=True)
            folder = cls(path=path, kind=kind, root=Path(os.path.realpath(path)), is_new=is_new, lock=lock_folder(path))
            try:
                folder._take_over(keep)
            except BaseException:
                folder.close()
                raise
        except OSError as error:
            raise cannot_write(path, error) from error
        return folder

    def _take_over(self, keep: Collection[str]) -> None:
        """Know what earlier runs wrote, and clean up what killed ones left."""
        found = Ours.read(self.path)
        if found.kind is None:
            _refuse_foreign(self.path, known=found.published)
        elif found.kind != self.kind:
            raise ConfigError(
                f"{printable(self.path)}: holds a {found.kind} run, and a {self.kind} run must not take its place. "
                "Name another folder with --out."
            )
        self.published, self.claimed = set(found.published), set(found.claimed)
        ours = {self.path, self.path / KEPT, *(self.path.joinpath(name).parent for name in self.claimed)}
        for folder in ours:
            if folder.is_dir() and Path(os.path.realpath(folder)).is_relative_to(self.root):
                for path in [*folder.glob(f"{PRIVATE_PREFIX}*")]:
                    if path.name not in (LOCK, KEPT, *keep):
                        _remove(path)

    def __enter__(self) -> "OutputFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the next run in; a folder that was made for this one and stayed empty goes."""
        unlock_folder(self.path, self.lock)
        if self.is_new:
            with suppress(OSError):
                self.path.rmdir()  # refused where it holds the tables

    def inside(self, name: str | PurePath) -> Path:
        """The path of a file in this folder, once it is known to lie there with all links resolved.

        Raises:
            ConfigError: it leads out of the folder, or is a link itself.
        """
        path = self.path / name
        parent = Path(os.path.realpath(path.parent))
        if not parent.is_relative_to(self.root) or path.is_symlink() or path.name in ("", ".."):
            raise ConfigError(f"{printable(path)}: leads out of {printable(self.path)}. Remove this link.")
        return path

    def claim(self, name: str | PurePath) -> Path:
        """The path for a file that outlives this run, noted as ours before it is written.

        Raises:
            ConfigError: it leads out of the folder, something that is not ours is there, or the note cannot be written.
        """
        relative = PurePath(name).as_posix()
        path = self.inside(relative)
        if relative not in self.claimed:
            _refuse_in_the_way(path)
            try:
                with (self.kept() / CLAIMS).open("a", encoding="utf-8") as claims:
                    claims.write(f"\n{json.dumps(relative)}\n")  # a killed run may have left half a line
            except OSError as error:
                raise cannot_write(self.path, error) from error
            self.claimed.add(relative)
        return path

    def drop(self, name: str) -> None:
        """Delete a file that was claimed, unless it leads out of the folder now; any other file stays."""
        if name in self.claimed:
            with suppress(FileNotFoundError):
                self.inside(name).unlink()

    def kept(self) -> Path:
        """The folder of records that the next run of this kind reads."""
        path = self.inside(KEPT)
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        return path

    @contextmanager
    def stage(self, writes: Collection[str] = ()) -> Iterator[Path]:
        """A place for the files of this run, from which all move in one go at the end, `run.json` last.

        Files that earlier runs wrote and this one does not are removed, as they would contradict its tables.

        Args:
            writes: names that are known to come, so that a file in the way is told before the work.

        Raises:
            ConfigError: the disk is full or not writable, or a file that is not ours is in the way; then the earlier
                files stay as they were.
        """
        self.refuse_in_the_way(writes)
        stage = None
        try:
            stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=self.path))
            yield stage
            names = {file.name for file in stage.iterdir()}
            self.refuse_in_the_way(names)
            for name in self.published - names:
                self.path.joinpath(name).unlink(missing_ok=True)
            for name in sorted(names, key=lambda name: (name == RUN_FILE, name)):
                stage.joinpath(name).replace(self.path / name)
            self.published = names
        except OSError as error:
            raise cannot_write(self.path, error) from error
        finally:
            if stage is not None:
                shutil.rmtree(stage, ignore_errors=True)

    def refuse_in_the_way(self, names: Collection[str]) -> None:
        """Refuse to write over a file that no record says is ours.

        Raises:
            ConfigError: there is such a file.
        """
        for name in sorted({*names} - self.published):
            _refuse_in_the_way(self.path / name)


def _refuse_in_the_way(path: Path) -> None:
    if os.path.lexists(path):
        raise ConfigError(
            f"{printable(path)}: is in the way, and nothing says that segeval wrote it. "
            "Move it, or name another folder with --out."
        )


def _refuse_foreign(folder: Path, *, known: Collection[str]) -> None:
    """A folder without a run must be empty, but for what a killed one left."""
    names = sorted(file.name for file in folder.iterdir())
    foreign = next((name for name in names if not name.startswith(PRIVATE_PREFIX) and name not in known), None)
    if foreign is not None:
        raise ConfigError(
            f"{printable(folder)}: this folder holds something else, such as {printable(foreign)}. "
            "Results go into a folder of their own: name a new or an empty one with --out."
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
