"""`segeval.yaml`: the options of a run and the rules of the gate."""

from segeval.config.models import Baseline, Cases, Config, MaxFraction, Rule, config_schema
from segeval.config.reading import fitted, read_config, read_section
from segeval.config.rules import check_rules, direction, notes_on_rules

__all__ = [
    "Baseline",
    "Cases",
    "Config",
    "MaxFraction",
    "Rule",
    "check_rules",
    "config_schema",
    "direction",
    "fitted",
    "notes_on_rules",
    "read_config",
    "read_section",
]
