"""The verb: a stored run and limits in, a report of verdicts out."""

from dataclasses import dataclass
from pathlib import Path

from segeval.choice import call_of
from segeval.config import Config, Rule, check_rules, read_config
from segeval.errors import ConfigError
from segeval.files.paths import printable, suggestion
from segeval.results.stored_runs import StoredRun, read_stored_run
from segeval.verbs.gate.comparable import notes_on_baseline, refuse_if_incomparable, run_table, with_names_of
from segeval.verbs.gate.judge import beware_of, gate_notes, judge
from segeval.verbs.gate.table import Resampling
from segeval.verbs.gate.verdict import GateReport
from segeval.verbs.running.case_table import CaseTable, read_case_table


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """What `segeval gate` can be told besides the run.

    Attributes:
        config: the file of the rules; None where `fail_under` has them all.
        fail_under: rules in short, such as `dice:mean=0.85`.
        baseline: takes the place of the one in the config.
        case_table: likewise.
        becomes: the baseline that the run is to become if it passes.
    """

    config: Path | None = None
    fail_under: tuple[str, ...] = ()
    baseline: Path | None = None
    case_table: Path | None = None
    becomes: Path | None = None
    seed: int = 0


def gate(run: Path, options: GateOptions) -> GateReport:
    """Judge a stored run.

    Raises:
        ConfigError: a file or a rule is wrong, or the baseline cannot be compared with the run.
    """
    return gate_run(read_stored_run(run), options)


def gate_run(run: StoredRun, options: GateOptions) -> GateReport:
    """Judge a run that is read already."""
    config = checked_config(options)
    table = run_table(run)
    path = options.baseline or _beside(options.config, config.baseline.path if config.baseline else None)
    is_first = path is not None and _is_first(path, options.becomes)
    baseline = _baseline(run, config, path) if path is not None and not is_first else None
    verdicts = judge(
        table,
        config,
        baseline=run_table(baseline) if baseline is not None else None,
        case_table=_case_table(config, options),
        how=Resampling(seed=options.seed),
        is_first=is_first,
    )
    return GateReport(
        verdicts=verdicts,
        notes=(*gate_notes(table, config), *(notes_on_baseline(baseline) if baseline is not None else ())),
        beware=beware_of(table, config),
        source=str(options.config or ""),
        on_inconclusive=config.on_inconclusive,
    )


def checked_config(options: GateOptions) -> Config:
    """The rules of the file and of `--fail-under`, held against the catalogue.

    Raises:
        ConfigError: there is no rule, or one is wrong.
    """
    config = read_config(options.config) if options.config is not None else Config()
    short = tuple(_short_rule(text) for text in options.fail_under)
    rules = (*check_rules(config.rules, source=str(options.config or "")), *check_rules(short))
    if not rules:
        where = printable(options.config) if options.config is not None else "This gate"
        raise ConfigError(f"{where} has no rule, so it could not fail. Write `rules:`, or pass --fail-under.")
    return config.model_copy(update={"rules": rules})


def _short_rule(text: str) -> Rule:
    """`dice:mean=0.85` as a rule for each class: the limit stands on the side that is worse."""
    name, colon, rest = text.rpartition(":")
    stat, equals, limit = rest.partition("=")
    if not colon or not equals:
        raise ConfigError(f"--fail-under {text}: write MEASURE:STATISTIC=LIMIT, such as dice:mean=0.85.")
    side = "max" if stat == "std" or call_of(name).measure.better == "lower" else "min"
    try:
        return Rule.model_validate({"id": text, "measure": name, "stat": stat, side: float(limit)})
    except ValueError as error:
        raise ConfigError(
            f"--fail-under {text}: {stat!r} is no statistic, or {limit!r} no number. "
            "Statistics are mean, median, p5, p95, min, max, std and pooled."
        ) from error


def _is_first(path: Path, becomes: Path | None) -> bool:
    """Whether the baseline is not there yet, and this run is to become it."""
    return becomes is not None and becomes.resolve() == path.resolve() and not path.exists()


def _baseline(run: StoredRun, config: Config, path: Path) -> StoredRun:
    """The run to compare with; it must be there and agree with the run, whether a rule compares with it or not."""
    if not path.exists():
        raise ConfigError(
            f"baseline {printable(path)}: no such file or folder.{suggestion(path)} To make this run the first "
            f"baseline, pass --update-baseline {printable(path)}."
        )
    baseline = with_names_of(read_stored_run(path), run)
    asking = [rule.measure for rule in config.rules if rule.needs_baseline]
    min_paired = config.baseline.min_paired if config.baseline else 0
    refuse_if_incomparable(run, baseline, measures=asking, min_paired=min_paired if asking else 1)
    return baseline


def _beside(config: Path | None, name: str | None) -> Path | None:
    """A path that a config names, relative to the config."""
    if name is None:
        return None
    return (config.parent if config is not None else Path()) / name


def _case_table(config: Config, options: GateOptions) -> CaseTable | None:
    path = options.case_table or _beside(options.config, config.cases.table)
    return read_case_table(path) if path is not None else None
