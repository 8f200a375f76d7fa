"""Which cases a choice is made on, and which are reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from segeval.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Split:
    """Case ids of the two sides; the same ids on both where nothing was split."""

    select: tuple[str, ...]
    report: tuple[str, ...]

    @property
    def optimistic(self) -> bool:
        """Whether the choice is made on the reported cases."""
        return bool(set(self.select) & set(self.report))

    def __str__(self) -> str:
        if self.optimistic:
            return "chosen and reported on the same cases"
        n, others = len(self.select), len(self.report)
        return f"chosen on {n} case{'s' * (n != 1)}, reported on {others} other{'s' * (others != 1)}"


def split_cases(case_ids: Sequence[str], *, select: str | None, report: str | None) -> Split:
    """Part the cases; a side that is not named gets the rest, and with neither named both get all.

    Args:
        select, report: ids with `*` for any characters, separated by commas.

    Raises:
        ConfigError: a side is empty, or a case is on both.
    """
    if select is None and report is None:
        return Split(select=tuple(case_ids), report=tuple(case_ids))
    if len(case_ids) < 2:
        raise ConfigError("There is one case only, which is too few to choose on some and report on others.")
    chosen = _matching(case_ids, select, "--select") if select else None
    reported = _matching(case_ids, report, "--report") if report else _without(case_ids, chosen or ())
    chosen = _without(case_ids, reported) if chosen is None else chosen
    both = sorted(set(chosen) & set(reported))
    if both:
        raise ConfigError(f"--select and --report share {', '.join(both)}. A case can be on one side only.")
    if not chosen or not reported:
        side, other = ("--report", "--select") if chosen else ("--select", "--report")
        raise ConfigError(f"{other} takes all {len(case_ids)} cases and leaves none for {side}. Name fewer.")
    return Split(select=chosen, report=reported)


def _matching(case_ids: Sequence[str], texts: str, option: str) -> tuple[str, ...]:
    patterns = [text.strip() for text in texts.split(",") if text.strip()]
    for pattern in patterns:
        if not any(fnmatchcase(case_id, pattern) for case_id in case_ids):
            raise ConfigError(f"{option} {pattern}: no such case. There are {', '.join(case_ids[:5])}, ...")
    return tuple(case_id for case_id in case_ids if any(fnmatchcase(case_id, pattern) for pattern in patterns))


def _without(case_ids: Sequence[str], taken: Sequence[str]) -> tuple[str, ...]:
    return tuple(case_id for case_id in case_ids if case_id not in taken)
