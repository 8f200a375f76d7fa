"""Every option once: one record per command, whose defaults are the program's defaults.

The command line, the environment, config files and the library all end here, and all derive from the fields.
"""

from segeval.options.inputs import InputOptions
from segeval.options.option import COMMAND_LINE, ENVIRONMENT, PREFIX, Declared, Option, declared, refuse_wrong
from segeval.options.scoring import OUT, Engine, ExtraFormat, ScoreOptions
from segeval.options.sweeping import Averaging, SweepFormat, SweepMode, SweepOptions, idle

__all__ = [
    "COMMAND_LINE",
    "ENVIRONMENT",
    "OUT",
    "PREFIX",
    "Averaging",
    "Declared",
    "Engine",
    "ExtraFormat",
    "InputOptions",
    "Option",
    "ScoreOptions",
    "SweepFormat",
    "SweepMode",
    "SweepOptions",
    "declared",
    "idle",
    "refuse_wrong",
]
