"""Rules held against the catalogue: does the measure exist, and does the limit face the right way?"""

from collections.abc import Sequence

from segeval.choice import call_of
from segeval.config.models import Rule
from segeval.errors import ConfigError
from segeval.evidence.labels import MEAN_OF_CLASSES
from segeval.measure import Better, Measure

MACRO = MEAN_OF_CLASSES


def check_rules(rules: Sequence[Rule], *, source: str = "") -> tuple[Rule, ...]:
    """The same rules with the canonical names of their measures.

    Args:
        rules: as they were read.
        source: the file of the rules, for the messages.

    Raises:
        ConfigError: a measure, a knob or a profile is unknown, a limit is on the wrong side of its measure, or the
            statistic does not exist for the class.
    """
    return tuple(_checked(rule, source) for rule in rules)


def direction(rule: Rule, measure: Measure) -> Better:
    """Which way is better for what the rule looks at; little spread is good whatever the measure."""
    return "lower" if rule.stat == "std" else measure.better


def notes_on_rules(rules: Sequence[Rule]) -> tuple[str, ...]:
    """What to think of when a gate looks at means only."""
    if rules and all(rule.stat in ("mean", "pooled") and rule.max_fraction is None for rule in rules):
        return (
            "Only means are gated, and a mean hides rare, large failures. "
            "Add a rule on p5 (p95 for distances) or with max_fraction.",
        )
    return ()


def _checked(rule: Rule, source: str) -> Rule:
    if rule.reads_review:
        return rule
    where = f"{source}:{rule.line}: rule {rule.id!r}: " if source else f"rule {rule.id!r}: "
    try:
        call = call_of(rule.measure)
    except ConfigError as error:
        raise ConfigError(where + str(error)) from error
    wrong = (
        _wrong_side(rule, direction(rule, call.measure), call.column)
        or _beyond_bounds(rule, call.measure, call.column)
        or _wrong_class(rule)
    )
    if wrong:
        raise ConfigError(where + wrong)
    return rule.model_copy(update={"measure": call.column})


def _wrong_side(rule: Rule, better: Better, column: str) -> str:
    two_sided = rule.min is not None and rule.max is not None
    if better == "none" and rule.needs_baseline:
        return f"{column} describes and has no better direction, so it cannot get worse. Give both min and max."
    if better in ("zero", "none") and not two_sided and not rule.needs_baseline:
        best = "is best at zero" if better == "zero" else "has no better direction"
        return f"{column} {best}, so one limit does not bound it. Give both min and max."
    if better == "higher" and rule.max is not None and rule.min is None:
        return f"higher {column} is better, so max {rule.max:g} would fail good results. Write min."
    if better == "lower" and rule.min is not None and rule.max is None:
        return f"lower {_said(rule, column)} is better, so min {rule.min:g} would fail good results. Write max."
    return ""


def _beyond_bounds(rule: Rule, measure: Measure, column: str) -> str:
    """What is wrong with a limit that every value keeps, or none: it is a slip, such as 85 for 0.85."""
    low, high = measure.bounds
    range_of = f"{_said(rule, column)} lies between {low:g} and {high:g}"
    if rule.stat == "std":  # half the range at most, but for few cases
        low, high, range_of = 0.0, high - low, f"std of {column} is 0 or more and at most {high - low:g}"
    for side, limit in (("min", rule.min), ("max", rule.max)):
        if limit is not None and not low <= limit <= high:
            return f"{range_of}, so {side} {limit:g} would {'fail' if _fails_all(rule, low) else 'pass'} everything."
    widest = measure.bounds[1] - measure.bounds[0]
    fraction = rule.max_fraction
    margins = {"max_regression": rule.max_regression, "worse_by": fraction.worse_by if fraction else None}
    for name, margin in margins.items():
        if margin is not None and margin > widest:
            return f"{column} differs by {widest:g} at most, so {name} {margin:g} would pass everything."
    return ""


def _fails_all(rule: Rule, low: float) -> bool:
    """Whether the limit beyond the range is on the side of the better values."""
    return (rule.max is not None and rule.max < low) or (rule.min is not None and rule.min > low)


def _said(rule: Rule, column: str) -> str:
    return f"std of {column}" if rule.stat == "std" else column


def _wrong_class(rule: Rule) -> str:
    if rule.class_name != MACRO:
        return ""
    if rule.max_fraction is not None:
        return 'max_fraction counts cases of one class, and (mean) is a mean over classes. Write class: "*".'
    if rule.stat not in ("mean", "pooled"):
        return f'(mean) is the mean over classes and has no {rule.stat}. Write class: "*", or stat: mean.'
    return ""
