"""Names of cases, classes and settings as file names."""

import hashlib
import re

_LONGEST_NAME = 180  # bytes; file systems take 255, and our prefixes and suffixes need some
_UNSAFE = re.compile(r'[%/\\:*?"<>|]|^\.|[. ]$')


def safe_name(text: str) -> str:
    r"""A name of a case, class or setting as a file name; two different names never share one.

    Whatever could leave the folder, hide the file or be refused by a file system is written as `%` and its code.

    Example:
        >>> [safe_name(name) for name in ("case_01", "../x", "50% edge", "")]
        ['case_01', '%2E.%2Fx', '50%25 edge', '%']
    """
    escaped = "".join(one if one.isprintable() else _escaped(one) for one in _UNSAFE.sub(_code, text)) or "%"
    data = escaped.encode("utf-8")
    if len(data) <= _LONGEST_NAME:
        return escaped
    start = data[: _LONGEST_NAME - 40].decode("utf-8", "ignore")
    return f"{start}%~{hashlib.sha256(data).hexdigest()[:32]}"


def safe_path(text: str) -> str:
    """The same for a name whose slashes are folders, such as the case `site/patient`."""
    return "/".join(map(safe_name, text.split("/")))


def _code(match: re.Match[str]) -> str:
    return _escaped(match[0])


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
