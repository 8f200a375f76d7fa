"""The errors a user can meet: one family of two, each with its exit code."""

import difflib
from collections.abc import Iterable, Iterator


class SegevalError(Exception):
    """Something the user can mend; the message names the file, the fact and the remedy."""

    exit_code = 70


class ConfigError(SegevalError):
    """A name, an option, a path on the command line or a config value is wrong."""

    exit_code = 2


class DataError(SegevalError):
    """A file, or a pair of files, cannot be scored."""

    exit_code = 3


class UnfinishedError(DataError):
    """A run that was interrupted, so that nothing can be concluded from it."""

    exit_code = 4


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came of."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """For the end of a message: ` Did you mean 'dice'?` where one of the known names is near, else nothing."""
    near = nearest(name, known)
    return f" Did you mean {near!r}?" if near else ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a wrong one was probably meant to be, in whatever case it was typed."""
    by_lower = {one.lower(): one for one in known}
    ours = name.lower().replace("metric", "measure")  # which other programs call so
    near = [match for word in (ours, name.lower()) for match in difflib.get_close_matches(word, by_lower, n=1)]
    return by_lower[near[0]] if near else None


# packages that an installation may leave out, and the extra that brings each
_EXTRA_OF = {
    "torch": "torch",
    "monai": "train",
    "xlsxwriter": "xlsx",
    "pyarrow": "parquet",
    "vl_convert": "figures",
    "imagecodecs": "tiff",
    "distributed": "dask",
}


def not_installed(package: str, *, instead: str = "") -> ConfigError:
    """What is said where an optional package is needed and not there; `instead` ends the sentence with another way."""
    install = f"pip install 'segeval-masks[{_EXTRA_OF[package]}]'"
    return ConfigError(f"{package} is not installed, and this needs it: {install}{instead}.")


def absent_package(error: BaseException) -> str | None:
    """The optional package that an import failed for, if that is what went wrong."""
    names = [link.name for link in chain_of(error) if isinstance(link, ModuleNotFoundError)]
    return next((name for name in names if name in _EXTRA_OF), None)
