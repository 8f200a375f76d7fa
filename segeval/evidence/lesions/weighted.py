"""Voxels of a class that count by the instance they belong to, so that large ones do not decide alone."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from segeval.evidence.additive import State
from segeval.evidence.lesions.components import Connectivity
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.shapes import PerLabel
from segeval.knobs import PerClass

MeanSize = float | PerClass | Literal["truth"]


@dataclass(frozen=True, kw_only=True)
class InstanceWeights(State):
    """Found and missed voxels of the true instances, each weighing mean size / size of its instance, per class.

    Attributes:
        tp, fn: with the mean size that was given, or 1 in place of it where it is that of the truth.
        fp: predicted voxels outside the class, each weighing 1.
        n, voxels: true instances, and their voxels.
    """

    tp: PerLabel
    fn: PerLabel
    fp: PerLabel
    n: PerLabel
    voxels: PerLabel

    @classmethod
    def read(
        cls, lesions: Lesions, *, mean_size: MeanSize, least_id: int, connectivity: Connectivity = "full"
    ) -> "InstanceWeights":
        """Weigh the voxels of every class of a case.

        A least id speaks of those of a map: nothing is known where there is none, since components are only numbered.
        """
        is_known = least_id <= 1 or lesions.instances[1] is not None
        rows = []
        for which, of in enumerate(lesions.classes):
            truth = lesions.found(which, connectivity=connectivity).truth
            truth = truth.only(truth.ids >= least_id)
            pred = lesions.masks.pred[which].index
            found = np.bincount(truth.owner[np.isin(truth.index, pred)], minlength=len(truth))
            share = (found / truth.n_voxels).sum()
            size = mean_size.get(of.name, np.nan) if isinstance(mean_size, PerClass) else mean_size
            weight = np.nan if not is_known else 1.0 if size == "truth" else float(size)
            rows.append(
                cls.of(
                    tp=weight * share,
                    fn=weight * (len(truth) - share),
                    fp=len(np.setdiff1d(pred, lesions.masks.truth[which].index, assume_unique=True)),
                    n=len(truth),
                    voxels=truth.n_voxels.sum(),
                )
            )
        return cls.stack(rows)
