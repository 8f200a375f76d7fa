"""Paths as the user typed them: do they exist, and how does a message show them? Names in a sentence, and as files."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePath

from segeval.errors import ConfigError, nearest

_LONGEST_NAME = 180  # bytes; file systems take 255, and our prefixes and suffixes need some
_UNSAFE = re.compile(r'[%/\\:*?"<>|]|^\.|[. ]$')


def printable(name: str | PurePath) -> str:
    r"""A name on one line of a message: what cannot be printed is escaped.

    Example:
        >>> printable("case\n1 größer.nii.gz")
        'case\\n1 größer.nii.gz'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(name))


def listed(names: Sequence[object], most: int = 5) -> str:
    """Names for a sentence, of many the first few and how many more there are.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        'a, b and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(printable(str(one)) for one in names[:most]) + more


def counted(n: int, what: str, several: str = "") -> str:
    """`1 case`, `2 cases`."""
    return f"{n} {what if n == 1 else several or what + 's'}"


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
        raise ConfigError(f"{what} {printable(path)}: cannot be looked at ({error.strerror}). Name another.") from error
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


def safe_name(text: str) -> str:
    r"""A name of a case, class or setting as a file name; two different names never share one.

    Whatever could leave the folder, hide the file or be refused by a file system is written as `%` and its code.

    Example:
        >>> [safe_name(name) for name in ("case_01", "../x", "50% edge", "")]
        ['case_01', '%2E.%2Fx', '50%25 edge', '%']
    """
    escaped = "".join(char if char.isprintable() else _escaped(char) for char in _UNSAFE.sub(_code, text)) or "%"
    data = escaped.encode("utf-8")
    if len(data) <= _LONGEST_NAME:
        return escaped
    start = data[: _LONGEST_NAME - 40].decode("utf-8", "ignore")
    import hashlib

    return f"{start}%~{hashlib.sha256(data).hexdigest()[:32]}"


def safe_path(text: str) -> str:
    """The same for a name whose slashes are folders, such as the case `site/patient`."""
    return "/".join(map(safe_name, text.split("/")))


def _code(match: re.Match[str]) -> str:
    return _escaped(match[0])


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
