"""The loss configurations that the exp-log paper compares."""

from collections.abc import Mapping
from typing import Any

from segeval.measure import MeasureCall, parse_call
from segeval.verbs.sweep.losses import find_loss

# arXiv 1809.00076, Table 1b: its loss configurations in the order of its rows, all with its ε of 1
EXP_LOG_ROWS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "linear_dice": ("dice_loss", {"smooth": 1.0}),
    "log_dice": ("exp_log_loss", {"w_dice": 1.0, "w_cross": 0.0, "gamma_dice": 1.0, "gamma_cross": 1.0}),
    "weighted_ce": ("exp_log_loss", {"w_dice": 0.0, "w_cross": 1.0, "gamma_dice": 1.0, "gamma_cross": 1.0}),
    "log_dice+weighted_ce": ("exp_log_loss", {"gamma_dice": 1.0, "gamma_cross": 1.0}),
    "exp_log(gamma=2)": ("exp_log_loss", {"gamma_dice": 2.0, "gamma_cross": 2.0}),
    "exp_log(gamma=0.3)": ("exp_log_loss", {"gamma_dice": 0.3, "gamma_cross": 0.3}),
}


def exp_log_call(text: str) -> MeasureCall:
    """A row of the exp-log paper, or any other loss; one `gamma` is that of both parts."""
    if text in EXP_LOG_ROWS:
        name, knobs = EXP_LOG_ROWS[text]
        return find_loss(name).at(**knobs)
    name, given = parse_call(text)
    if find_loss(name).name == "exp_log_loss" and "gamma" in given:
        gamma = given.pop("gamma")
        given = {"gamma_dice": gamma, "gamma_cross": gamma, **given}
    return find_loss(name).at(**given)
