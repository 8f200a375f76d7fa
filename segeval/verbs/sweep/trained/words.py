"""The words that tell the settings of a sweep apart, in folder names, manifests and grids.

Most sweeps turn the parameters of one loss: `alpha=0.3_beta=0.7`. Two compare losses, and there the setting is
the loss itself: `dice_loss`, `tversky_loss(alpha=0.3,beta=0.7)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from segeval.errors import ConfigError
from segeval.measure import Measure, MeasureCall, parse_call
from segeval.verbs.sweep.grid import Setting, require_known
from segeval.verbs.sweep.losses import SEVERAL, find_loss
from segeval.verbs.sweep.settings import require_a_price, spoken_names
from segeval.verbs.sweep.trained.exp_log_rows import EXP_LOG_ROWS, exp_log_call

LOSS = "loss"


@dataclass(frozen=True, kw_only=True)
class Words:
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

    def _name(self, call: MeasureCall) -> str:
        for name, row in self.rows.items():
            if row.measure is call.measure and row.all_knobs == call.all_knobs:
                return name
        return call.column


def words_for(loss: str) -> Words:
    """The words of a sweep over a loss, by its name; `losses` compares losses, and the exp-log paper does too.

    Raises:
        ConfigError: there is no such loss.
    """
    if loss == SEVERAL:
        return words_for_losses()
    measure = find_loss(loss)
    return words_for_exp_log() if measure.name == "exp_log_loss" else words_of(measure)


def words_of(measure: Measure) -> Words:
    """The parameters of one loss, under their own names and those of the columns."""
    spoken = spoken_names(measure)
    columns = {knob: spoken.get(knob, knob) for knob in measure.knobs}
    knob_of = {column: knob for knob, column in columns.items()}

    def call(setting: Setting) -> MeasureCall:
        _require_both_prices(setting)
        require_a_price([setting])
        return measure.at(**{knob_of[column]: value for column, value in setting.items()})

    return Words(
        loss=measure.name,
        columns={**columns, **{column: column for column in columns.values()}},
        call=call,
        sorted_by=("beta_fn",) if "beta_fn" in knob_of else (),
    )


def words_for_losses() -> Words:
    """Whole losses, each with the parameters it was trained with."""
    return Words(loss=SEVERAL, columns={LOSS: LOSS}, call=lambda setting: _loss_call(str(setting[LOSS])))


def words_for_exp_log() -> Words:
    """The configurations of the exp-log paper, by the names of its table."""
    rows = {name: exp_log_call(name) for name in EXP_LOG_ROWS}
    return Words(
        loss="exp_log_loss", columns={LOSS: LOSS}, call=lambda setting: exp_log_call(str(setting[LOSS])), rows=rows
    )


def _loss_call(text: str) -> MeasureCall:
    name, knobs = parse_call(text)
    return find_loss(name).at(**knobs)


def setting_text(setting: Setting) -> str:
    """A setting in words: `alpha_fp=0.3, beta_fn=0.7`."""
    return ", ".join(_texts(setting))


def folder_name(setting: Setting, **parts: int | str) -> str:
    """A setting as the name of a folder, which `--runs` reads back: `alpha_fp=0.3_beta_fn=0.7_seed=1`."""
    return "_".join([*_texts(setting), *(f"{name}={value}" for name, value in parts.items())])


def _require_both_prices(setting: Setting) -> None:
    given = [name for name in ("alpha_fp", "beta_fn") if name in setting]
    if len(given) == 1:
        name = given[0].partition("_")[0]
        raise ConfigError(f"{name} is set alone. Set alpha, the price of false alarms, and beta, that of misses.")


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
