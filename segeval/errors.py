"""The errors a user can meet: one family of two, each with its exit code."""


class SegevalError(Exception):
    """Something the user can mend; the message names the file, the fact and the remedy."""

    exit_code = 70


class ConfigError(SegevalError):
    """A name, an option, a path on the command line or a config value is wrong."""

    exit_code = 2


class DataError(SegevalError):
    """A file, or a pair of files, cannot be scored."""

    exit_code = 3
