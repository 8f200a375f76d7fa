"""Faults of the command line, told in the manner of all other errors."""

import os
from typing import Any

from segeval.errors import nearest

OTHER_WORDS = {"metrics": "measures", "metric": "measures"}  # what other programs call an option of ours


def explain(error: Any) -> str:
    """What is wrong, the nearest right word, and where all of them are listed.

    Args:
        error: a usage error of the parser.
    """
    command = error.ctx.command_path if error.ctx else "segeval"
    wrong = _unknown_option(error) if hasattr(error, "possibilities") else _wrong_value(error)
    return f"{wrong.rstrip('.')}{'' if wrong.endswith('?') else '.'}\n`{command} --help` lists what it takes."


def _unknown_option(error: Any) -> str:
    """With the nearest option; the parser's own list of possibilities is not sorted by likeness."""
    flags = [flag for parameter in error.ctx.command.params for flag in parameter.opts if flag.startswith("--")]
    known = [flag[2:] for flag in flags]
    wrong = error.option_name.lstrip("-")
    near = OTHER_WORDS[wrong] if OTHER_WORDS.get(wrong) in known else nearest(wrong, known)
    short = "-m, " if near == "measures" else ""
    help = f"Did you mean {short}--{near}?" if near else "A path that begins with a dash goes after --."
    return f"There is no option {error.option_name}. {help}"


def _wrong_value(error: Any) -> str:
    """The parser's own words, with the environment variable where the value comes from one."""
    name = getattr(getattr(error, "param", None), "name", None)
    source = error.ctx.get_parameter_source(name) if error.ctx and name else None
    if source is not None and source.name == "ENVIRONMENT":
        variable = next((known for known in error.param.envvar if known in os.environ), error.param.envvar[0])
        return f"Invalid value for {variable}: {error.message}"
    return str(error.format_message())
