"""The errors a user can meet: one family of two, each with its exit code."""

import difflib
from collections.abc import Iterable


class SegevalError(Exception):
    """Something the user can mend; the message names the file, the fact and the remedy."""

    exit_code = 70


class ConfigError(SegevalError):
    """A name, an option, a path on the command line or a config value is wrong."""

    exit_code = 2


class DataError(SegevalError):
    """A file, or a pair of files, cannot be scored."""

    exit_code = 3


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """For the end of a message: ` Did you mean 'dice'?` where one of the known names is near, else nothing."""
    near = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
