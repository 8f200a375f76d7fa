"""An option is declared once: what the parser, files, variables and checks know of it comes from there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from segeval.cli import options as o
from segeval.cli.app import _Commands
from segeval.config import config_schema
from segeval.errors import ConfigError
from segeval.options import InputOptions, ScoreOptions, SweepOptions, declared, idle
from segeval.options.option import variables_of
from segeval.options.panels import IN_ORDER
from segeval.settings import Given, checked

RECORDS = {"score": ScoreOptions, "sweep": SweepOptions}
SWEEPS = ("tversky", "focal", "cdf", "any", "any_thresholds", "exp_log", "curve", "runs", "train")
# a value of each type that is not the default, and may stand anywhere
OTHERS: Mapping[str, Any] = {
    "mode": "runs",
    "averaging": "pooled",
    "apr_method": "trapezoid",
    "apr_averaging": "pooled",
    "select_by": "case_mean",
    "threshold_by": "dice",
    "by": "iou",
    "network": "monai",
    "protocol": "paper",
}


def parameters(command: str) -> dict[str, Any]:
    group = _Commands(name="segeval")
    return {one.name: one for one in group.get_command(None, command).params}


@pytest.mark.parametrize("command", RECORDS)
def test_the_parser_has_every_option_with_its_default_help_and_variable(command: str) -> None:
    known = parameters(command)
    for name, option in declared(RECORDS[command]).items():
        parsed = known[name]
        default = option.default if option.option.stands_in is None else option.option.stands_in
        assert parsed.default == (None if isinstance(default, tuple) else default), name
        assert (parsed.help, {*parsed.opts}) == (option.option.help, {*option.flags})
        assert parsed.envvar == variables_of(option.flags)
        assert parsed.rich_help_panel in IN_ORDER


def test_the_doctor_takes_what_says_how_files_are_read_and_nothing_else() -> None:
    known = {*parameters("doctor")} - {"ctx", "help", "pred", "truth", "no_color", "config"}
    assert known == {name for name, option in declared(ScoreOptions).items() if option.option.doctor}
    assert {*declared(InputOptions)} - known == {"seed", "out", "device"}


@pytest.mark.parametrize("part", RECORDS)
def test_the_schema_of_the_file_has_every_option_and_no_other_key(part: str) -> None:
    schema = config_schema()["properties"][part]
    assert list(schema["properties"]) == list(declared(RECORDS[part]))
    assert schema["additionalProperties"] is False
    assert "$ref" not in str(schema)
    for name, option in declared(RECORDS[part]).items():
        assert schema["properties"][name]["description"] == option.option.help


def test_no_two_options_share_a_variable() -> None:
    for record in RECORDS.values():
        variables = [variable for option in declared(record).values() for variable in variables_of(option.flags)]
        assert len({*variables}) == len(variables)


def test_every_default_is_in_range() -> None:
    for record in RECORDS.values():
        assert checked(record()) == record()


@pytest.mark.parametrize("sweep", SWEEPS)
def test_an_option_that_a_sweep_does_not_read_is_found_and_no_other(sweep: str) -> None:
    for name, option in declared(SweepOptions).items():
        value = OTHERS.get(name, {bool: True, int: 7, float: 0.25}.get(type(option.default), "x"))
        value = 0.125 if value == option.default else value
        found = idle(SweepOptions(**{name: value}), sweep)
        sweeps = option.option.sweeps
        is_read = sweeps is None or sweep in sweeps
        assert (found is None) == is_read, name
        assert found is None or found.name == name
        assert sweeps is None or sweeps <= {*SWEEPS}


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("SEGEVAL_MESURES", "Did you mean SEGEVAL_MEASURES?"),
        ("SEGEVAL_IGNORE_LABELS", "Did you mean SEGEVAL_IGNORE_LABEL?"),
        ("SEGEVAL_GRIDD", "Did you mean SEGEVAL_GRID?"),
        ("SEGEVAL_XYZZY", "Unset it, or give it another name."),
    ],
)
def test_a_variable_of_no_option_is_refused_with_the_nearest_name(variable: str, remedy: str) -> None:
    with pytest.raises(ConfigError, match=variable) as refused:
        o.refuse_unknown_variables({variable: "1", "PATH": "/bin"})
    assert remedy in str(refused.value)


def test_variables_of_every_command_are_known_to_each() -> None:
    flags = [option.flags for record in RECORDS.values() for option in declared(record).values()]
    names = [variable for each in flags for variable in variables_of(each)]
    assert {"SEGEVAL_GRID", "SEGEVAL_PARAM", "SEGEVAL_CLASS_NAME", "SEGEVAL_MEASURES"} <= {*names}
    o.refuse_unknown_variables(dict.fromkeys([*names, "SEGEVAL_QUIET", "SEGEVAL_GAMMA", "SEGEVAL_CONFIG"], "1"))


def test_a_command_is_handed_what_was_set_and_from_where(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Given] = {}

    @o.takes(ScoreOptions)
    def command(given: Mapping[str, Given], *, pred: o.PredPath = None) -> int:
        seen.update(given)
        assert pred == Path("a")
        return 0

    app = typer.Typer()
    app.command()(command)
    monkeypatch.setenv("SEGEVAL_SEED", "3")
    app(["a", "-m", "dice", "-m", "iou", "--spacing", "1,2"], standalone_mode=False)
    assert seen == {
        "pred": Given(value=Path("a"), source="command line"),
        "measures": Given(value=["dice", "iou"], source="command line"),
        "spacing": Given(value="1,2", source="command line"),
        "seed": Given(value=3, source="environment"),
    }
