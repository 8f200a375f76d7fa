"""Paths as the user typed them: do they exist, and how does a message show them?"""

from pathlib import Path, PurePath

from segeval.errors import ConfigError, nearest


def printable(name: str | PurePath) -> str:
    r"""A name on one line of a message: what cannot be printed is escaped.

    Example:
        >>> printable("case\n1 größer.nii.gz")
        'case\\n1 größer.nii.gz'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(name))


def require_existing(path: Path, *, what: str) -> Path:
    """The path itself, once it is known to be there.

    Args:
        what: the option or argument that named it, for the message.

    Raises:
        ConfigError: nothing is there; the message suggests the nearest name that is.
    """
    try:
        if path.exists():
            return path
    except OSError as error:
        raise ConfigError(f"{what} {printable(path)}: cannot be looked at ({error.strerror}).") from error
    if path.is_symlink():
        raise ConfigError(f"{what} {printable(path)}: this link leads nowhere. Mend it, or name the file itself.")
    raise ConfigError(f"{what} {printable(path)}: no such file or folder.{suggestion(path)}")


def suggestion(path: Path) -> str:
    """` Did you mean 'x'?` with the nearest name beside a missing path, or nothing."""
    missing = path
    for parent in path.parents:
        if parent.is_dir():
            return _did_you_mean(missing)
        missing = parent
    return ""


def _did_you_mean(missing: Path) -> str:
    try:
        names = sorted(one.name for one in missing.parent.iterdir())
    except OSError:  # the message is about the missing path; a folder we may not list only costs the hint
        return ""
    near = nearest(missing.name, names)
    return f" Did you mean '{printable(missing.parent / near)}'?" if near else ""
