"""All losses of one softmax map beside one MONAI module each, and ranking by histogram beside ranking by sort.

python benchmarks/losses.py [--side 170] [--runs 3]     writes benchmarks/results/losses.md

Everything runs in this process, one thread, in turns; the maps lie in memory when the clock starts.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are imported

import numpy as np
import torch
from measuring import machine, versions
from monai import losses as peer
from scipy.ndimage import gaussian_filter
from sklearn.metrics import average_precision_score

import segeval
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.measure import Measure
from segeval.metrics import probability

N_CLASSES = 6
CLASSES = tuple(LabelClass(name=str(one), ids=(one,)) for one in range(1, N_CLASSES))

# the nearest module of MONAI, or the one that costs least where it has none
PEERS: dict[str, Callable[[], torch.nn.Module]] = {
    "bce_loss": partial(peer.DiceCELoss, lambda_dice=0.0),
    "weighted_bce_loss": partial(peer.DiceCELoss, lambda_dice=0.0),
    "cross_entropy_loss": partial(peer.DiceCELoss, lambda_dice=0.0),
    "weighted_cross_entropy_loss": partial(peer.DiceCELoss, lambda_dice=0.0, weight=torch.ones(N_CLASSES)),
    "focal_loss": partial(peer.FocalLoss, gamma=2.0),
    "focal_star_loss": partial(peer.FocalLoss, gamma=2.0),
    "dice_loss": peer.DiceLoss,
    "dice_two_class_loss": peer.DiceLoss,
    "sensitivity_specificity_loss": partial(peer.DiceLoss, squared_pred=True),
    "generalized_dice_loss": peer.GeneralizedDiceLoss,
    "iou_loss": partial(peer.DiceLoss, jaccard=True),
    "tversky_loss": partial(peer.TverskyLoss, alpha=0.3, beta=0.7),
    "focal_tversky_loss": partial(peer.TverskyLoss, alpha=0.3, beta=0.7),
    "log_cosh_dice_loss": peer.DiceLoss,
    "bce_dice_loss": peer.DiceCELoss,
    "combo_loss": peer.DiceCELoss,
    "dice_focal_loss": peer.DiceFocalLoss,
    "exp_log_loss": peer.DiceCELoss,
}
HEAD = """\
# Losses

`{command}` on {machine}.

One softmax map of {classes} classes and {voxels:.1f} million voxels in float32 beside its labels, one thread, medians
of {runs} runs in turns. Times are those of the processor, which a busy machine distorts least; work in the caches still
suffers more from neighbours than a sum over the map does.

segeval computes {n} losses per class, and those that have a value per case; MONAI runs {n} modules one after another,
without gradients (the nearest one, or a cheap one where it has none). Reading is one sum over the map. Lovász is
Lovász-Softmax over all channels; by sort as its authors compute it, with numpy. Average precision by sort is that of
scikit-learn.

"""


def a_map(side: int) -> tuple[np.ndarray, np.ndarray]:
    """A softmax map of smooth organs with blurred, noisy logits, and its truth."""
    random = np.random.default_rng(0)
    shape = (side, side, side)
    fields = np.stack(
        [gaussian_filter(random.normal(size=shape).astype(np.float32), side / 14) for _ in range(N_CLASSES)]
    )
    fields /= fields.std(axis=(1, 2, 3), keepdims=True)
    fields[0] += 1.5
    truth = fields.argmax(axis=0).astype(np.uint8)
    logits = 6 * fields + random.normal(size=fields.shape).astype(np.float32)
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits, truth


def evidence_of(probs: np.ndarray, truth: np.ndarray) -> ProbEvidence:
    maps = ProbMaps.of_array(probs, truth=truth, channels=(None, *CLASSES), partition=N_CLASSES)
    return ProbEvidence.of_maps(maps, classes=range(1, N_CLASSES))


def all_values(losses: list[Measure], evidence: ProbEvidence) -> list[Any]:
    return [evidence.values(one.at(), level) for one in losses for level in one.levels]


def average_precision(probs: np.ndarray, truth: np.ndarray) -> Any:
    return probability.average_precision(ProbMaps.of_array(probs[1:], truth=truth, channels=CLASSES))


def lovasz(probs: np.ndarray, truth: np.ndarray) -> Any:
    return evidence_of(probs, truth).values(segeval.losses.lovasz_softmax_loss.at(), "case")


def lovasz_by_sort(p: np.ndarray, truth: np.ndarray) -> float:
    """The errors sorted, and the Jaccard loss after each of them."""
    errors = np.abs(truth - p).ravel()
    order = np.argsort(-errors)
    hits = truth.ravel()[order]
    n_class = hits.sum()
    jaccard = 1 - (n_class - hits.cumsum()) / (n_class + (~hits).cumsum())
    return float(errors[order] @ np.diff(jaccard, prepend=0.0))


def contenders(probs: np.ndarray, truth: np.ndarray) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    plain = [getattr(segeval.losses, name) for name in PEERS]
    pred = torch.from_numpy(probs)[None]
    labels = torch.from_numpy(truth)[None, None].long()
    modules = [make(to_onehot_y=True) for make in PEERS.values()]
    half = probs.astype(np.float16)
    return {
        "reading the map once": lambda: probs.sum(),
        f"segeval, {len(plain)} losses": lambda: all_values(plain, evidence_of(probs, truth)),
        f"segeval, {len(plain)} losses of float16": lambda: all_values(plain, evidence_of(half, truth)),
        f"MONAI, {len(plain)} modules": lambda: [module(pred, labels) for module in modules],
        "Lovász by histogram": lambda: lovasz(probs, truth),
        "Lovász of float16": lambda: lovasz(half, truth),
        "Lovász by sort": lambda: [lovasz_by_sort(probs[one], truth == one) for one in range(N_CLASSES)],
        "average precision by histogram": lambda: average_precision(probs, truth),
        "average precision of float16": lambda: average_precision(half, truth),
        "average precision by sort": lambda: [
            average_precision_score(truth.ravel() == one, probs[one].ravel()) for one in range(1, N_CLASSES)
        ],
    }


RATIOS = [
    ("segeval, 18 losses", "reading the map once", "at most 25"),
    ("MONAI, 18 modules", "segeval, 18 losses", "at least 100"),
    ("MONAI, 18 modules", "segeval, 18 losses of float16", "at least 100"),
    ("Lovász by sort", "Lovász by histogram", "65 to 125"),
    ("Lovász by sort", "Lovász of float16", "65 to 125"),
    ("average precision by sort", "average precision by histogram", "65 to 125"),
    ("average precision by sort", "average precision of float16", "65 to 125"),
]


def timed(work: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Seconds of each, in turns: a busy minute of the machine then hits all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for number in range(runs):
        for name, run in work.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
            print(f"run {number + 1}/{runs}  {name}: {seconds[name][-1]:.3f} s", file=sys.stderr)
    return seconds


def tables(seconds: dict[str, list[float]]) -> str:
    """What each took, and the ratios that were asked for."""
    rows = ["| work | median s | fastest to slowest s |\n|---|---|---|\n"]
    rows += [f"| {name} | {median(s):.3f} | {min(s):.3f} to {max(s):.3f} |\n" for name, s in seconds.items()]
    rows.append("\n| ratio | seen | asked |\n|---|---|---|\n")
    for slow, fast, asked in RATIOS:
        rows.append(f"| {slow} / {fast} | {median(seconds[slow]) / median(seconds[fast]):.1f} | {asked} |\n")
    return "".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--side", type=int, default=170, help="edge of the cube in voxels")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    probs, truth = a_map(options.side)
    seconds = timed(contenders(probs, truth), options.runs)
    head = HEAD.format(
        command=f"python benchmarks/losses.py --side {options.side} --runs {options.runs}",
        machine=machine(),
        classes=N_CLASSES,
        voxels=truth.size / 1e6,
        runs=options.runs,
        n=len(PEERS),
    )
    report = f"{head}{tables(seconds)}\nWith {versions(['segeval', 'monai', 'torch', 'numpy', 'scikit-learn'])}.\n"
    out = Path(__file__).parent / "results" / "losses.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text(report, encoding="utf-8")
    print(report)


if __name__ == "__main__":
    main()
