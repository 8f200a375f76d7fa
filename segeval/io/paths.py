"""Paths as the user typed them: how does a message show them?"""

from pathlib import PurePath


def printable(name: str | PurePath) -> str:
    r"""A name on one line of a message: what cannot be printed is escaped.

    Example:
        >>> printable("case\n1 größer.nii.gz")
        'case\\n1 größer.nii.gz'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(name))
