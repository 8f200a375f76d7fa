"""Everything that is installed with segeval, or sent with its reports, has a permissive licence."""

import re
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import segeval

_PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|HPND|CMU License|Unlicense|0BSD|Zlib|MPL|Mozilla"
    r"|MIT-CMU|CC0|Matplotlib|Artistic)", re.IGNORECASE
)  # fmt: skip
_COPYLEFT = re.compile(r"\b(A?GPL|SSPL|GNU (?!Lesser))", re.IGNORECASE)
_VENDOR = re.compile(r"nvidia-|cuda-|triton$")  # wheels that torch brings on Linux, under the terms of their vendor
_NAME = re.compile(r"[A-Za-z0-9._-]+")
VENDORED = Path(segeval.__file__).parent / "verbs" / "report" / "vendor"


def own_distribution() -> str:
    return packages_distributions().get("segeval", ["segeval"])[0]


def needed(name: str, found: dict[str, str]) -> None:
    """Gather what a distribution needs to run, and what that needs, with the licence of each."""
    key = name.lower().replace("_", "-")
    if key in found or _VENDOR.match(key):
        return
    try:
        about = distribution(name)
    except PackageNotFoundError:  # for another system or version of Python
        return
    fields = [about.metadata.get("License-Expression"), *(about.metadata.get_all("Classifier") or [])]
    said = [one for one in fields if one and (one.startswith("License ::") or one == fields[0])]
    found[key] = " | ".join(said) or (about.metadata.get("License") or "")[:200]
    for requirement in about.requires or []:
        if "extra ==" not in requirement:
            needed(_NAME.match(requirement)[0], found)


def test_run_time_dependencies_are_permissive_save_the_wheels_of_torchs_vendors() -> None:
    found: dict[str, str] = {}
    needed(own_distribution(), found)
    needed("torch", found)
    assert {"numpy", "scipy", "pydantic", "torch"} <= found.keys()
    wrong = {
        name: licence for name, licence in found.items() if not _PERMISSIVE.search(licence) or _COPYLEFT.search(licence)
    }
    assert not wrong


def test_scripts_that_reports_carry_are_named_with_their_licences() -> None:
    said = (VENDORED / "LICENSES.txt").read_text()
    libraries = {path.name.split(".")[0] for path in VENDORED.glob("*.js")}
    assert libraries
    for library in libraries:
        assert library in said.lower()
    assert re.findall(r"\((BSD-3-Clause|MIT|ISC)\)", said)
