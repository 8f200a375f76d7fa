"""The numbers of `segeval score` in a training loop: batches in, results out, from every process of the training.

A case is scored when it comes, and only its score is kept: its rows, its counts and what adds up for pooled values. So
an evaluator is a set of scores by case id, and all else follows from that: two of them merge by joining their sets, a
sample that a distributed sampler repeated is the same id with the same score, and the summary is made of all cases at
the end.
"""

import io
import math
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError, DataError
from segeval.evidence.shapes import SpacingMm
from segeval.files.paths import printable
from segeval.images.cases import case_of
from segeval.images.forms import agree
from segeval.images.input_rules import FirstPrediction, InputRules
from segeval.images.objects import volumes_of
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.arrays import pair_of_arrays
from segeval.images.predictions.class_masks import LabelImage
from segeval.images.predictions.predictions import Prediction
from segeval.images.readers.volumes import Volume
from segeval.options import ScoreOptions
from segeval.results import CaseScore, Results
from segeval.results.run_folder import RunFolder
from segeval.settings import checked
from segeval.verbs.batch import one_by_one, spacings, without_lone_channel
from segeval.verbs.library import options_of, where_tensors_stay
from segeval.verbs.running.job import Job
from segeval.verbs.running.scored import evaluated, is_out_of_memory
from segeval.verbs.score import finished, in_one_unit, input_rules_of, make_plan, plan_for

Masks = Any  # a batch as an array or tensor, or a sequence of cases

_OF_FILES = (
    *("pairs", "pred_pattern", "truth_pattern", "channel_files", "truth_files", "colors", "orientation"),
    *("pred_instances", "truth_instances", "confidences", "missing", "keep_going", "workers", "series"),
    *("dask", "resume", "shard"),
)
_SAME = 1e-6  # values of a case that ran twice differ by rounding: batches of another size take other kernels


class Evaluator:
    """Score batches as they come, and get the results of all of them.

    The rows are those of `segeval score` on the same masks. Under `torch.distributed`, `compute` and `write` are called
    by every process, and give each of them the results of all.

    Args:
        measures: groups and measures, as `--measures`.
        labels: the classes, as `--labels`: `{1: "liver"}`.
        spacing: of a voxel in mm, in array axis order; without it distances are in pixels, and their unit says `px`.
        options: the others of `segeval.options.ScoreOptions` that do not speak of files: `pred_kind="logits"`,
            `ignore_label=255`, `device="cuda"`, `bootstrap=0` and so on.

    Raises:
        ConfigError: an option or a name is wrong.

    Example:
        >>> import numpy as np
        >>> evaluator = Evaluator(["dice"], {1: "liver"})
        >>> evaluator.update(np.array([[[0, 1, 1]]]), np.array([[[1, 1, 0]]]), case_id=["case_7"])
        >>> evaluator.compute().class_rows[0].values["dice"]
        0.5
    """

    def __init__(
        self,
        measures: str | Sequence[str] = (),
        labels: Any = None,
        spacing: SpacingMm | None = None,
        **options: Any,
    ) -> None:
        alien = sorted({*options} & {*_OF_FILES})
        if alien:
            raise ConfigError(f"{', '.join(alien)}: an Evaluator is given masks and no files. Leave it out.")
        if "out" in options:
            raise ConfigError("out: an Evaluator writes when it is told to. Call .write(folder).")
        named = {"measures": measures, "labels": labels, "spacing": spacing}
        given = {name: value for name, value in named.items() if value not in (None, ())} | options
        self._options: ScoreOptions = checked(options_of(given))
        self._sources = dict.fromkeys(given, "library call")
        self._plan = make_plan(self._options)
        self._rules = input_rules_of(self._options, self._plan.labels)
        self._scores: dict[str, CaseScore] = {}

    def __len__(self) -> int:
        """How many cases were scored here."""
        return len(self._scores)

    def update(
        self, pred: Masks, truth: Masks, *, case_id: Any, spacing: SpacingMm | Sequence[SpacingMm] | None = None
    ) -> None:
        """Score a batch, or a single case where `case_id` is a single name.

        The first batch says what predictions are, labels or probabilities, softmax or sigmoids; later ones must be the
        same. Either the whole batch is taken or, where a case of it is wrong, nothing.

        Args:
            pred: shape (case, class, *space) or (case, *space): class ids, probabilities, one-hot masks, or logits with
                `pred_kind="logits"`; or a sequence of cases without the first axis, which may differ in shape.
            truth: shape (case, *space), (case, 1, *space), or one-hot (case, class, *space).
            case_id: the names of the cases, which tell repeated samples from new ones; one name for a single case.
            spacing: in mm, where it differs between batches; or one per case.

        Raises:
            ConfigError: the spacing does not fit.
            DataError: a case cannot be scored, or was scored before with another prediction.
        """
        cases = one_by_one(pred, truth, case_id)
        lengths = spacings(spacing, len(cases), self._options.spacing)
        device = where_tensors_stay(self._options, self._plan)
        try:
            scores, rules = self._scores_of(cases, lengths, device)
        except (DataError, RuntimeError) as error:
            if device == "cpu" or not (isinstance(error, DataError) or is_out_of_memory(error)):
                raise
            scores, rules = self._scores_of(cases, lengths, "cpu")  # numpy says what is wrong, or reads it all the same
        self._scores = _joined(self._scores, scores)
        self._rules = replace(rules, at_hand={})

    def _scores_of(
        self, cases: Sequence[tuple[str, tuple[Any, Any]]], lengths: Sequence[SpacingMm | None], device: str
    ) -> tuple[list[CaseScore], InputRules]:
        """The scores of a batch whose tensors stay on a device, and what the predictions are."""
        at_hand: dict[str, Prediction] = {}
        truths: dict[str, Volume] = {}
        pairs = []
        for name, (pred_mask, truth_mask) in cases:
            pairs.append(Pair(case_id=name, pred=Path(f"{name} (pred)"), truth=Path(f"{name} (truth)")))
            at_hand[name], truths[name] = self._taken(name, pred_mask, truth_mask, device)
        rules = replace(self._rules, at_hand=at_hand)
        if rules.first_prediction is None:
            rules = agree(pairs, rules)
        plan = plan_for(rules, self._plan)
        scores = []
        for pair, spacing_mm in zip(pairs, lengths, strict=True):
            rules_here = replace(rules, spacing_mm=spacing_mm)
            image = LabelImage(volume=truths.pop(pair.case_id))
            case = case_of(pair.case_id, pred=rules.take(pair), truth=image, rules=rules_here)
            scores.append(evaluated(case, plan))
        return scores, rules

    def _taken(self, name: str, pred: Any, truth: Any, device: str) -> tuple[Prediction, Volume]:
        """A prediction and its truth as the images that `segeval.score` makes of them."""
        pred_volume, truth_volume = volumes_of(pred, truth, name, device=device)
        pred_volume, truth_volume = without_lone_channel(pred_volume, truth_volume, self._options.spacing)
        prediction, ids = pair_of_arrays(pred_volume, truth_volume, self._options.channel_axis or "first")
        if ids is None:
            raise ValueError(f"{name} has no truth")
        return prediction, ids

    def compute(self, *, gather: bool = True) -> Results:
        """The results of all cases so far, of all processes where `torch.distributed` runs.

        Args:
            gather: False leaves the other processes out; else every process has to call this.

        Raises:
            DataError: no case was given, processes disagree, or a value is undefined and the policy is `fail`.
        """
        return (self._of_all_processes() if gather else self)._results()

    def write(self, folder: str | PathLike[str], *, gather: bool = True) -> Results:
        """Compute, and write the tables as a run that `segeval gate`, `compare` and `report` read.

        Of several processes the first writes.

        Raises:
            ConfigError: the folder holds something else, or cannot be written.
            DataError: as `compute`.
        """
        results = self.compute(gather=gather)
        if not gather or _rank() == 0:
            with RunFolder.open(Path(folder), formats=self._options.format) as run_folder:
                run_folder.write(results)
        return results

    def merge(self, other: "Evaluator") -> None:
        """Take over the cases of another evaluator; those that both have must have the same score.

        Raises:
            ConfigError: the other has other options.
            DataError: a case has another score there, or the predictions are of another kind.
        """
        self._take_over(other._options, other._rules.first_prediction, list(other._scores.values()))

    def reset(self) -> None:
        """Forget all cases, as before a new epoch."""
        self._scores = {}
        self._rules = replace(self._rules, first_prediction=None)

    def state_dict(self) -> dict[str, Any]:
        """The cases so far as plain values, which `torch.save` and `torch.load(weights_only=True)` take."""
        return {"segeval": 1, "scores": pickle.dumps(self._state()).hex()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken, in an evaluator of the same options.

        Raises:
            ConfigError: the options were other ones.
            DataError: it is no state of an evaluator.
        """
        try:
            loaded = _Unpickler(io.BytesIO(bytes.fromhex(state["scores"]))).load()
        except Exception as error:  # whatever a damaged state may hold
            raise DataError(f"This is no state of an Evaluator: {error}. Take one with .state_dict().") from error
        self._refuse_other_options(loaded[0])
        self.reset()
        self._take_over(*loaded)

    def _state(self) -> tuple[ScoreOptions, FirstPrediction | None, list[CaseScore]]:
        return self._options, self._rules.first_prediction, list(self._scores.values())

    def _results(self) -> Results:
        if not self._scores:
            raise DataError("No case was given, so there is nothing to compute. Call update() first.")
        plan = plan_for(self._rules, self._plan)
        job = Job(options=self._options, plan=plan, rules=self._rules, sources=self._sources)
        scores = sorted(self._scores.values(), key=lambda score: score.row.case_id)
        return finished(list(in_one_unit(iter(scores), job)), job)

    def _of_all_processes(self) -> "Evaluator":
        distributed = _distributed()
        if distributed is None:
            return self
        states: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(states, self._state())
        whole = copy(self)
        whole.reset()
        for state in states:
            whole._take_over(*state)
        return whole

    def _take_over(self, options: ScoreOptions, first: FirstPrediction | None, scores: Sequence[CaseScore]) -> None:
        self._refuse_other_options(options)
        own = self._rules.first_prediction
        if own is not None and first is not None and own.form != first.form:
            raise DataError(
                f"{printable(own.path)}: holds {own.form}, and {printable(first.path)} {first.form}. A run has "
                "predictions of one kind: say which with pred_kind."
            )
        self._scores = _joined(self._scores, scores)
        self._rules = replace(self._rules, first_prediction=own or first)

    def _refuse_other_options(self, options: ScoreOptions) -> None:
        unlike = [
            field.name for field in fields(options) if field.name != "device" and _differ(field.name, self, options)
        ]
        if unlike:
            raise ConfigError(f"These evaluators differ in {', '.join(unlike)}. Give all the same options.")


def _differ(name: str, evaluator: Evaluator, options: ScoreOptions) -> bool:
    return bool(getattr(evaluator._options, name) != getattr(options, name))


def _joined(scores: Mapping[str, CaseScore], more: Sequence[CaseScore]) -> dict[str, CaseScore]:
    """All scores by case id, each once; a sampler that pads its last batch repeats cases.

    Raises:
        DataError: a case has two scores.
    """
    joined = dict(scores)
    for score in more:
        name = score.row.case_id
        known = joined.setdefault(name, score)
        if known is not score and not _equal(known, score):
            raise DataError(
                f"{printable(name)}: was scored before, and with another outcome. Give each case an id of its own, and "
                "call reset() before a new epoch."
            )
    return joined


def _equal(one: CaseScore, other: CaseScore) -> bool:
    """Whether two scores are of the same masks, as far as numbers tell."""
    if one.row.shape != other.row.shape or [row.of for row in one.classes] != [row.of for row in other.classes]:
        return False
    counts = [[(row.tp, row.fp, row.fn, row.tn) for row in score.classes] for score in (one, other)]
    return counts[0] == counts[1] and all(
        math.isclose(left, right, rel_tol=_SAME, abs_tol=_SAME) or (math.isnan(left) and math.isnan(right))
        for left, right in zip(_values(one), _values(other), strict=True)
    )


def _values(score: CaseScore) -> Iterator[float]:
    for values in (score.row.values, *(row.values for row in score.classes)):
        yield from values.values()


def _distributed() -> Any:
    """`torch.distributed` where several processes run; who never imported torch has none."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed


def _rank() -> int:
    distributed = _distributed()
    return 0 if distributed is None else int(distributed.get_rank())


class _Unpickler(pickle.Unpickler):
    """Reads records of segeval and arrays of numpy, and nothing that could run code of others."""

    def find_class(self, module: str, name: str) -> Any:
        arrays = {"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"}
        is_array = module.split(".")[0] == "numpy" and name in arrays
        is_path = module.split(".")[0] == "pathlib" and name in {"Path", "PosixPath", "WindowsPath"}
        if "." not in name and (is_array or is_path or module.startswith("segeval.")):
            found = super().find_class(module, name)
            if is_array or is_path or (isinstance(found, type) and found.__module__.startswith("segeval.")):
                return found
        raise pickle.UnpicklingError(f"it holds {module}.{name}")
