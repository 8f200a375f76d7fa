"""What tells the settings of a sweep over trained models apart, in folder names, manifests and grids.

Most sweeps turn the parameters of one loss: `alpha=0.3_beta=0.7`. Two compare losses, and there the setting is
the loss itself: `dice_loss`, `tversky_loss(alpha=0.3,beta=0.7)`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segeval.errors import ConfigError
from segeval.knobs import parse_call
from segeval.measure import Measure, MeasureCall
from segeval.options import SweepOptions
from segeval.verbs.sweep.grid import (
    SEVERAL,
    Setting,
    find_loss,
    read_grid,
    require_a_price,
    require_known,
    spoken_names,
)

LOSS = "loss"
# arXiv 1809.00076, Table 1b: its loss configurations in the order of its rows, all with its ε of 1
_EXP_LOG_ROWS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "linear_dice": ("dice_loss", {"smooth": 1.0}),
    "log_dice": ("exp_log_loss", {"w_dice": 1.0, "w_cross": 0.0, "gamma_dice": 1.0, "gamma_cross": 1.0}),
    "weighted_ce": ("exp_log_loss", {"w_dice": 0.0, "w_cross": 1.0, "gamma_dice": 1.0, "gamma_cross": 1.0}),
    "log_dice+weighted_ce": ("exp_log_loss", {"gamma_dice": 1.0, "gamma_cross": 1.0}),
    "exp_log(gamma=2)": ("exp_log_loss", {"gamma_dice": 2.0, "gamma_cross": 2.0}),
    "exp_log(gamma=0.3)": ("exp_log_loss", {"gamma_dice": 0.3, "gamma_cross": 0.3}),
}


@dataclass(frozen=True, kw_only=True)
class SettingSchema:
    """What a setting of this sweep is made of.

    Attributes:
        loss: the loss whose parameters are turned, or what is compared.
        columns: every accepted name of a parameter, and the column it stands in.
        call: the loss that a setting stands for; refuses one that cannot be.
        rows: losses that have a name of their own in the table, in its order.
        sorted_by: the columns that rows are sorted by, before all others.
    """

    loss: str
    columns: Mapping[str, str]
    call: Callable[[Setting], MeasureCall]
    rows: Mapping[str, MeasureCall] = field(default_factory=dict)
    sorted_by: tuple[str, ...] = ()

    @property
    def compares_losses(self) -> bool:
        return LOSS in self.columns

    def setting(self, given: Mapping[str, Any], *, where: str) -> Setting:
        """The checked setting, its columns in the order of the loss's parameters.

        Raises:
            ConfigError: a parameter is unknown or given twice, a value does not fit, or both prices are 0.
        """
        try:
            require_known(given, self.columns, self.loss)
            setting = {self.columns[name]: value for name, value in given.items()}
            call = self.call(setting)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        if len(setting) < len(given):
            raise ConfigError(f"{where}: {', '.join(given)} name a parameter twice. Keep one of them.")
        if self.compares_losses:
            return {LOSS: self._name(call)}
        return {self.columns[knob]: value for knob, value in call.knobs.items()}

    def order(self, setting: Setting) -> Any:
        """Sorts settings by parameter: none first, then numbers, then words; named rows as the paper has them."""
        if setting.get(LOSS) in self.rows:
            return [(0, list(self.rows).index(setting[LOSS]))]
        return [_rank(setting.get(name)) for name in (*self.sorted_by, *setting)]

    def asked(self, options: SweepOptions) -> dict[str, list[Any]]:
        """The values of each column that `--grid` or `--loss` limit the rows to.

        Raises:
            ConfigError: losses are named where parameters are turned, or the other way round.
        """
        if self.compares_losses and options.grid:
            raise ConfigError(f"{self.loss} compares whole losses. Name them with --loss 'name(parameter=value)'.")
        if options.losses and not self.compares_losses:
            raise ConfigError(f"--loss goes with `sweep losses`. Turn the parameters of {self.loss} with --grid.")
        if self.compares_losses:
            names = [self.setting({LOSS: text}, where="--loss")[LOSS] for text in options.losses]
            return {LOSS: names} if names else {}
        grid = read_grid(options.grid)
        require_known(grid, self.columns, self.loss)
        return {self.columns[name]: values for name, values in grid.items()}

    def check_varied(self, settings: Sequence[Setting], options: SweepOptions) -> None:
        """See that a table which varies one parameter holds the others still, and that one to optimise has a choice.

        Raises:
            ConfigError: another parameter takes several values, one has no choice, or there is no such parameter.
        """
        named = [name for name in (options.vary, options.optimise) if name is not None]
        require_known(named, self.columns, self.loss)
        each = list({setting_text(setting): setting for setting in settings}.values())  # one may have several runs
        if options.optimise is not None and not choices(each, self.columns[options.optimise]):
            column = self.columns[options.optimise]
            raise ConfigError(f"--optimise {column}: no setting has more than one value of it, so there is no choice.")
        if options.vary is None:
            return
        free = {self.columns[name] for name in named}
        others = [column for column in each[0] if column not in free]
        values = {column: dict.fromkeys(setting[column] for setting in each) for column in others}
        varied = [column for column in others if len(values[column]) > 1]
        if varied:
            said = " and ".join(
                f"{column} takes {len(values[column])} values too ({', '.join(map(value_text, values[column]))})"
                for column in varied
            )
            still = " ".join(f"--grid {column}={value_text(each[0][column])}" for column in varied)
            has_choice = options.optimise is None and len(varied) == 1 and choices(each, varied[0])
            best = f", or pass --optimise {varied[0]}" if has_choice else ""
            it = "it" if len(varied) == 1 else "them"
            raise ConfigError(f"--vary {options.vary}: {said}. Hold {it} still with {still}{best}.")

    def _name(self, call: MeasureCall) -> str:
        for name, row in self.rows.items():
            if row.measure is call.measure and row.all_knobs == call.all_knobs:
                return name
        return call.column


def schema_of(loss: str) -> SettingSchema:
    """What is turned in a sweep over a loss, by its name; `losses` compares losses, and the exp-log paper does too.

    Raises:
        ConfigError: there is no such loss.
    """
    if loss == SEVERAL:
        return SettingSchema(loss=SEVERAL, columns={LOSS: LOSS}, call=lambda setting: _call(*parse_call(setting[LOSS])))
    measure = find_loss(loss)
    if measure.name != "exp_log_loss":
        return _parameters_of(measure)
    rows = {name: _call(*row) for name, row in _EXP_LOG_ROWS.items()}
    return SettingSchema(
        loss=measure.name, columns={LOSS: LOSS}, call=lambda setting: _exp_log_call(setting[LOSS]), rows=rows
    )


def _parameters_of(measure: Measure) -> SettingSchema:
    """The parameters of one loss, under their own names and those of the columns."""
    columns = {knob: spoken_names(measure).get(knob, knob) for knob in measure.knobs}
    knob_of = {column: knob for knob, column in columns.items()}

    def call(setting: Setting) -> MeasureCall:
        prices = [name.partition("_")[0] for name in ("alpha_fp", "beta_fn") if name in setting]
        if len(prices) == 1:
            raise ConfigError(
                f"{prices[0]} is set alone. Set alpha, the price of false alarms, and beta, that of misses."
            )
        require_a_price([setting])
        return measure.at(**{knob_of[column]: value for column, value in setting.items()})

    return SettingSchema(
        loss=measure.name,
        columns={**columns, **{column: column for column in columns.values()}},
        call=call,
        sorted_by=("beta_fn",) if "beta_fn" in knob_of else (),
    )


def _exp_log_call(text: str) -> MeasureCall:
    """A row of the exp-log paper, or any other loss; one `gamma` is that of both parts."""
    if text in _EXP_LOG_ROWS:
        return _call(*_EXP_LOG_ROWS[text])
    name, given = parse_call(text)
    if find_loss(name).name == "exp_log_loss" and "gamma" in given:
        gamma = given.pop("gamma")
        given = {"gamma_dice": gamma, "gamma_cross": gamma, **given}
    return _call(name, given)


def _call(name: str, knobs: Mapping[str, Any]) -> MeasureCall:
    return find_loss(name).at(**knobs)


def choices(settings: Sequence[Setting], column: str) -> dict[str, list[int]]:
    """Indices of the settings that differ in one column alone, by what they share; empty where none has a choice."""
    tried: dict[str, list[int]] = {}
    for i, setting in enumerate(settings):
        rest = {name: value for name, value in setting.items() if name != column}
        tried.setdefault(setting_text(rest), []).append(i)
    return tried if any(len(indices) > 1 for indices in tried.values()) else {}


def setting_text(setting: Setting) -> str:
    """A setting in words: `alpha_fp=0.3, beta_fn=0.7`."""
    return ", ".join(_texts(setting))


def folder_name(setting: Setting, **parts: int | str) -> str:
    """A setting as the name of a folder, which `--runs` reads back: `alpha_fp=0.3_beta_fn=0.7_seed=1`."""
    return "_".join([*_texts(setting), *(f"{name}={value}" for name, value in parts.items())])


def _texts(setting: Setting) -> list[str]:
    return [value_text(value) if name == LOSS else f"{name}={value_text(value)}" for name, value in setting.items()]


def value_text(value: Any) -> str:
    """A value as `parse_call` reads it back."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _rank(value: Any) -> tuple[int, Any]:
    match value:
        case None:
            return 0, 0
        case int() | float():
            return 1, value
        case _:
            return 2, str(value)
